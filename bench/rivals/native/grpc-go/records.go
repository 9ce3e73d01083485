package main

import (
	"bytes"
	"fmt"

	"rivals/canonical"
)

const (
	blobBytes = 64 * 1024
	// Every so many answers of a caller, and items of a stream, one is compared in full.
	answersPerFullCheck = 1024
)

func record(id int64) *canonical.Canonical {
	return &canonical.Canonical{Id: id, Name: "abcdefghijklmnop", Tags: []string{"alpha", "beta", "gamma"}, Score: 1.5}
}

func rightRecord(answer *canonical.Canonical, id int64, inFull bool) bool {
	if answer.Id != id || len(answer.Tags) != 3 {
		return false
	}
	tags := answer.Tags
	return !inFull || answer.Name == "abcdefghijklmnop" && answer.Score == 1.5 &&
		tags[0] == "alpha" && tags[1] == "beta" && tags[2] == "gamma"
}

// blob is the caller's own, so that an answer to the wrong caller shows.
func blob(caller int64) []byte {
	text := []byte(fmt.Sprintf("%d:0123456789abcdef", caller))
	return bytes.Repeat(text, blobBytes/len(text)+1)[:blobBytes]
}

func rightBlob(answer, sent []byte, inFull bool) bool {
	if len(answer) != len(sent) {
		return false
	}
	last := len(sent) - 1
	return answer[0] == sent[0] && answer[last] == sent[last] && (!inFull || bytes.Equal(answer, sent))
}
