/*
 * Cap'n Proto C++ with its RPC, as it comes: a TwoPartyVatNetwork on the socket (which has TCP_NODELAY), one event loop a side.
 *
 * Set up: calls and answers say how large they become, so that each message is one allocation. A stream is a capability that the server
 * calls once an item, with `-> stream` and the library's flow control. The library writes each message by itself and has no setting
 * for that; with a layer under it that gathers messages (../capnp-batched) calls/s were 2.2 times as many.
 */
#include <capnp/common.h>

#include <string>

#include "modes.h"

int main(int argc, char** argv) {
  std::string version = "Cap'n Proto " + std::to_string(CAPNP_VERSION_MAJOR) + "." + std::to_string(CAPNP_VERSION_MINOR) + "." +
                        std::to_string(CAPNP_VERSION_MICRO);
  role role = rival_role(argc, argv, version.c_str());
  if (role.serves) rivals::Serve();
  rivals::Drive(role);
}
