// SPDX-License-Identifier: MIT

// The pipeline of bench/pipeline.lua with franz-go and encoding/json.
//
// usage: franz SERVERS IN OUT EVENTS
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
)

const window = 50_000

type document struct {
	DocumentID string   `json:"document_id"`
	UserID     string   `json:"user_id"`
	Status     string   `json:"status"`
	ChunkCount int64    `json:"chunk_count"`
	Page       int64    `json:"page"`
	Score      float64  `json:"score"`
	Tags       []string `json:"tags"`
	Text       string   `json:"text"`
}

func cpu() float64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func handle(in *kgo.Record, topic string) (*kgo.Record, error) {
	var data document
	if err := json.Unmarshal(in.Value, &data); err != nil {
		return nil, err
	}
	data.Status = "handled"
	data.ChunkCount++
	value, err := json.Marshal(&data)
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Topic: topic, Key: []byte(data.DocumentID), Value: value, Headers: []kgo.RecordHeader{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_id", Value: []byte(uuid.NewString())},
		{Key: "ce_source", Value: []byte("bench/franz")},
		{Key: "ce_type", Value: []byte("handled")},
		{Key: "ce_causationid", Value: []byte(fmt.Sprintf("%s/%d/%d", in.Topic, in.Partition, in.Offset))},
		{Key: "content-type", Value: []byte("application/json")},
	}}, nil
}

func main() {
	servers, from, to := os.Args[1], os.Args[2], os.Args[3]
	events, _ := strconv.Atoi(os.Args[4])
	ctx := context.Background()
	client, err := kgo.NewClient(kgo.SeedBrokers(servers), kgo.ConsumeTopics(from),
		kgo.ConsumerGroup("bench-"+to), kgo.DisableAutoCommit(), kgo.MaxBufferedRecords(200_000),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		log.Fatal(err)
	}
	var failed atomic.Int64
	start, used, handled := time.Now(), cpu(), 0
	for handled < events {
		fetches := client.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			log.Fatal(errs)
		}
		fetches.EachRecord(func(in *kgo.Record) {
			out, err := handle(in, to)
			if err != nil {
				log.Fatal(err)
			}
			client.Produce(ctx, out, func(_ *kgo.Record, err error) {
				if err != nil {
					failed.Add(1)
				}
			})
			handled++
			if handled%window == 0 || handled == events {
				if err := client.Flush(ctx); err != nil {
					log.Fatal(err)
				}
				if err := client.CommitUncommittedOffsets(ctx); err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	client.Close()
	if failed.Load() > 0 {
		log.Fatalf("%d events were not delivered", failed.Load())
	}
	fmt.Printf("{\"records\":%d,\"wall_s\":%.3f,\"cpu_s\":%.3f}\n", handled, time.Since(start).Seconds(), cpu()-used)
}
