package main

import (
	"context"
	"net"

	"google.golang.org/grpc"

	"rivals/canonical"
)

type echo struct{}

func (echo) Unary(_ context.Context, request *canonical.Canonical) (*canonical.Canonical, error) {
	countDone()
	return request, nil
}

func (echo) Blob(_ context.Context, request *canonical.Block) (*canonical.Block, error) {
	countDone()
	return request, nil
}

func (echo) Stream(_ *canonical.Canonical, stream canonical.Echo_StreamServer) error {
	for id := int64(0); ; id++ {
		if err := stream.Send(record(id)); err != nil {
			return err
		}
		countDone()
	}
}

func serve(role role) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		die(err)
	}
	server := grpc.NewServer(serverOptions(role.workload)...)
	canonical.RegisterEchoServer(server, echo{})
	ready(listener.Addr().(*net.TCPAddr).Port)
	die(server.Serve(listener))
}
