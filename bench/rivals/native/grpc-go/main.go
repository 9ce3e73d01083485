// grpc-go, with Protocol Buffers by gogo/protobuf, whose generated code encodes and decodes by itself.
//
// Set up: one connection, a goroutine a caller. The garbage collector runs at 17 times the live heap, which is small here. The
// server has 16 goroutines for its streams, which do not grow their stacks anew for each call. Windows of 4 MiB and buffers of 128 KiB
// each way, 256 KiB for blobs. GOMAXPROCS is what the runtime makes of the core that the process is pinned to.
//
// Tried, as a ratio of calls/s (items/s), grpc-go 1.33 and Go 1.19: golang/protobuf 0.96 at 64 in flight, 0.91 at 512, 0.88 with items;
// that and every default 0.92 and 0.82, and 0.6 with blobs; no workers 0.99 and 0.90; one worker 1.01 and 0.93; the default windows and
// buffers 0.96 and 1.04; buffers of 128 KiB 0.91 with blobs.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"google.golang.org/grpc"
)

type role struct {
	serves   bool
	workload string
	inFlight int
	port     int
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: grpc-go serve WORKLOAD | drive WORKLOAD IN_FLIGHT PORT | version; WORKLOAD: unary, blob, stream")
	os.Exit(2)
}

func die(what interface{}) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}

func readNumber(text string, most int) int {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > most {
		usage()
	}
	return number
}

func readRole(arguments []string) role {
	if len(arguments) == 1 && arguments[0] == "version" {
		fmt.Printf("grpc-go %s, gogo/protobuf, %s\n", grpc.Version, runtime.Version())
		os.Exit(0)
	}
	if len(arguments) < 2 || (arguments[1] != "unary" && arguments[1] != "blob" && arguments[1] != "stream") {
		usage()
	}
	if len(arguments) == 2 && arguments[0] == "serve" {
		return role{serves: true, workload: arguments[1]}
	}
	if len(arguments) != 4 || arguments[0] != "drive" {
		usage()
	}
	return role{workload: arguments[1], inFlight: readNumber(arguments[2], 65536), port: readNumber(arguments[3], 65535)}
}

func main() {
	role := readRole(os.Args[1:])
	debug.SetGCPercent(gcPercent)
	if role.serves {
		serve(role)
	} else {
		drive(role)
	}
}
