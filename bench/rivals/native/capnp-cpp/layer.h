/* What stands between the library and a socket: nothing in capnp-cpp, a stream of our own in capnp-batched. */
#pragma once

#include <kj/async-io.h>

namespace rivals {

kj::Own<kj::AsyncIoStream> Layer(kj::Own<kj::AsyncIoStream> socket);

}  // namespace rivals
