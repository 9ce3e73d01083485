# The workloads for Cap'n Proto. A stream is a capability of the client that the server calls once an item, with the library's own
# flow control.
@0xd6a3c07a2f5f1b84;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("rivals");

struct Canonical {
  id @0 :Int64;
  name @1 :Text;
  tags @2 :List(Text);
  score @3 :Float64;
}

interface Sink {
  item @0 (record :Canonical) -> stream;
}

interface Echo {
  unary @0 (record :Canonical) -> (record :Canonical);
  blob @1 (data :Data) -> (data :Data);
  stream @2 (record :Canonical, sink :Sink);
}
