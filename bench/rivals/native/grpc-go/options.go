package main

import "google.golang.org/grpc"

const (
	gcPercent     = 1600
	streamWorkers = 16
	windowBytes   = 4 * 1024 * 1024
)

func bufferBytes(workload string) int {
	if workload == "blob" {
		return 256 * 1024
	}
	return 128 * 1024
}

func serverOptions(workload string) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.NumStreamWorkers(streamWorkers),
		grpc.InitialWindowSize(windowBytes),
		grpc.InitialConnWindowSize(windowBytes),
		grpc.ReadBufferSize(bufferBytes(workload)),
		grpc.WriteBufferSize(bufferBytes(workload)),
	}
}

func dialOptions(workload string) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithInitialWindowSize(windowBytes),
		grpc.WithInitialConnWindowSize(windowBytes),
		grpc.WithReadBufferSize(bufferBytes(workload)),
		grpc.WithWriteBufferSize(bufferBytes(workload)),
	}
}
