/* The server: one event loop, a TwoPartyVatNetwork a connection. */
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include "canonical.capnp.h"
#include "layer.h"
#include "modes.h"
#include "records.h"

namespace rivals {
namespace {

class EchoServer final : public Echo::Server {
 protected:
  kj::Promise<void> unary(UnaryContext context) override {
    context.getResults(capnp::MessageSize{kRecordWords, 0}).setRecord(context.getParams().getRecord());
    rival_done(1);
    return kj::READY_NOW;
  }

  kj::Promise<void> blob(BlobContext context) override {
    context.getResults(capnp::MessageSize{kBlobWords, 0}).setData(context.getParams().getData());
    rival_done(1);
    return kj::READY_NOW;
  }

  kj::Promise<void> stream(StreamContext context) override { return SendItems(context.getParams().getSink(), 0); }

 private:
  /* The library's promise for a streaming call is kept when the next may be made. */
  static kj::Promise<void> SendItems(Sink::Client sink, int64_t id) {
    auto request = sink.itemRequest(capnp::MessageSize{kRecordWords, 0});
    Fill(request.initRecord(), id);
    rival_done(1);
    return request.send().then([sink = kj::mv(sink), id]() mutable { return SendItems(kj::mv(sink), id + 1); });
  }
};

/* A peer that goes is no failure of the server's. */
class Connections final : public kj::TaskSet::ErrorHandler {
 public:
  explicit Connections(kj::ConnectionReceiver& receiver) : receiver_(receiver), tasks_(*this) {}

  kj::Promise<void> Accept() {
    return receiver_.accept().then([this](kj::Own<kj::AsyncIoStream> stream) {
      auto connection = kj::heap<Connection>(kj::mv(stream));
      auto ended = connection->network.onDisconnect();
      tasks_.add(ended.attach(kj::mv(connection)));
      return Accept();
    });
  }

  void taskFailed(kj::Exception&&) override {}

 private:
  struct Connection {
    explicit Connection(kj::Own<kj::AsyncIoStream> socket)
        : stream(Layer(kj::mv(socket))),
          network(*stream, capnp::rpc::twoparty::Side::SERVER),
          system(capnp::makeRpcServer(network, kj::heap<EchoServer>())) {}

    kj::Own<kj::AsyncIoStream> stream;
    capnp::TwoPartyVatNetwork network;
    capnp::RpcSystem<capnp::rpc::twoparty::VatId> system;
  };

  kj::ConnectionReceiver& receiver_;
  kj::TaskSet tasks_;
};

}  // namespace

void Serve() {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  auto address = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope);
  kj::Own<kj::ConnectionReceiver> receiver = address->listen();
  Connections connections(*receiver);
  rival_ready(static_cast<uint16_t>(receiver->getPort()));
  connections.Accept().wait(io.waitScope);
  rival_die("no more connections");
}

}  // namespace rivals
