-- SPDX-License-Identifier: MIT
return { ["summary-complete"] = { partitions = 3, key = "document_id" } }
