/* The two sides of a run, and how their ends of the connection are set up. Neither side returns: the thread that obeys stdin ends it. */
#pragma once

#include <grpcpp/grpcpp.h>

#include "../common/rival.h"

namespace rivals {

[[noreturn]] void Serve(const role& role);
[[noreturn]] void Drive(const role& role);

void SetUp(grpc::ServerBuilder& builder);
void SetUp(grpc::ChannelArguments& arguments);

}  // namespace rivals
