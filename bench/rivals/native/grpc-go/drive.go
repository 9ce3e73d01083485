package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"rivals/canonical"
)

// callRecords makes its next call when the last one was answered, and stops at its first failure.
func callRecords(client canonical.EchoClient, id int64) {
	for answers := 0; ; answers++ {
		answer, err := client.Unary(context.Background(), record(id))
		if err != nil {
			countFailed(err)
			return
		}
		if !rightRecord(answer, id, answers%answersPerFullCheck == 0) {
			countWrong()
		}
		countDone()
	}
}

func callBlobs(client canonical.EchoClient, id int64) {
	request := &canonical.Block{Data: blob(id)}
	for answers := 0; ; answers++ {
		answer, err := client.Blob(context.Background(), request)
		if err != nil {
			countFailed(err)
			return
		}
		if !rightBlob(answer.Data, request.Data, answers%answersPerFullCheck == 0) {
			countWrong()
		}
		countDone()
	}
}

func readStream(client canonical.EchoClient, _ int64) {
	stream, err := client.Stream(context.Background(), record(0))
	for id := int64(0); err == nil; id++ {
		var item *canonical.Canonical
		if item, err = stream.Recv(); err != nil {
			break
		}
		if !rightRecord(item, id, id%answersPerFullCheck == 0) {
			countWrong()
		}
		countDone()
	}
	countFailed(err)
}

func drive(role role) {
	options := append(dialOptions(role.workload), grpc.WithInsecure(), grpc.WithBlock())
	connection, err := grpc.Dial(fmt.Sprintf("127.0.0.1:%d", role.port), options...)
	if err != nil {
		die(err)
	}
	client := canonical.NewEchoClient(connection)
	ready(role.port)
	callers := map[string]func(canonical.EchoClient, int64){"unary": callRecords, "blob": callBlobs, "stream": readStream}
	count := role.inFlight
	if role.workload == "stream" {
		count = 1
	}
	for id := 0; id < count; id++ {
		go callers[role.workload](client, int64(id))
	}
	select {}
}
