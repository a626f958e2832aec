/* SPDX-License-Identifier: MIT */
#include "http/tls.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For GnuTLS, which libmicrohttpd uses: what is older is broken. */
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* An encrypted key would ask for its password on the terminal. */
static int no_password (char *room, int size, int writes, void *arg) {
  (void)room;
  (void)size;
  (void)writes;
  (void)arg;
  return -1;
}

static X509 *read_cert (const char *text) {
  BIO *bio = BIO_new_mem_buf(text, -1);
  X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_password, NULL);
  BIO_free(bio);
  return cert;
}

static EVP_PKEY *read_key (const char *text) {
  BIO *bio = BIO_new_mem_buf(text, -1);
  EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
  BIO_free(bio);
  return key;
}

/* What is wrong with the two; NULL: nothing. */
static const char *find_fault (const char *cert_text, const char *key_text) {
  X509 *cert = read_cert(cert_text);
  EVP_PKEY *key = read_key(key_text);
  const char *fault = NULL;
  if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
    fault = "TLS: this libmicrohttpd was built without it";
  else if (cert == NULL) fault = "TLS: the certificate is none: PEM expected";
  else if (key == NULL) fault = "TLS: the key is none: PEM without a password expected";
  else if (X509_check_private_key(cert, key) != 1) fault = "TLS: the key is not the certificate's";
  X509_free(cert);
  EVP_PKEY_free(key);
  return fault;
}

bool dm_tls_set (dm_tls *tls, const char *cert, const char *key, char *reason, size_t size) {
  const char *fault = find_fault(cert, key);
  if (fault == NULL) {
    tls->cert = strdup(cert);
    tls->key = strdup(key);
    if (tls->cert == NULL || tls->key == NULL) fault = "not enough memory";
  }
  if (fault != NULL) snprintf(reason, size, "%s", fault);
  return fault == NULL;
}

void dm_tls_options (const dm_tls *tls, struct MHD_OptionItem options[4]) {
  static char priorities[] = PRIORITIES;
  int count = 0;
  if (tls->cert != NULL) {
    options[count++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, tls->cert };
    options[count++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key };
    options[count++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, priorities };
  }
  options[count] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
}

void dm_tls_clear (dm_tls *tls) {
  if (tls->key != NULL) OPENSSL_cleanse(tls->key, strlen(tls->key));
  free(tls->key);
  free(tls->cert);
  *tls = (dm_tls){ NULL, NULL };
}
