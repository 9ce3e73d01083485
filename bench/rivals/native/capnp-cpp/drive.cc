/* The client: a closed loop of callers on one connection, or the sink of one stream. */
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include "canonical.capnp.h"
#include "layer.h"
#include "modes.h"
#include "records.h"

namespace rivals {
namespace {

/* Each caller makes its next call when the last one was answered, and stops at its first failure. */
class Load final : public kj::TaskSet::ErrorHandler {
 public:
  Load(Echo::Client echo, unsigned callers, bool blobs) : echo_(kj::mv(echo)), callers_(kj::heapArray<Caller>(callers)), tasks_(*this) {
    for (unsigned id = 0; id < callers; id++) {
      if (!blobs) continue;
      callers_[id].blob = kj::heapArray<kj::byte>(BLOB_BYTES);
      rival_fill_blob(callers_[id].blob.begin(), id);
    }
  }

  void CallRecord(unsigned id) {
    auto request = echo_.unaryRequest(capnp::MessageSize{kRecordWords, 0});
    Fill(request.initRecord(), id);
    tasks_.add(request.send().then([this, id](capnp::Response<Echo::UnaryResults>&& answer) {
      Count(IsRight(answer.getRecord(), id, InFull(id)));
      CallRecord(id);
    }));
  }

  void CallBlob(unsigned id) {
    auto request = echo_.blobRequest(capnp::MessageSize{kBlobWords, 0});
    request.setData(callers_[id].blob);
    tasks_.add(request.send().then([this, id](capnp::Response<Echo::BlobResults>&& answer) {
      Count(IsRight(answer.getData(), callers_[id].blob, InFull(id)));
      CallBlob(id);
    }));
  }

  void taskFailed(kj::Exception&& exception) override { rival_failed(exception.getDescription().cStr()); }

 private:
  struct Caller {
    uint64_t answers = 0;
    kj::Array<kj::byte> blob;
  };

  bool InFull(unsigned id) { return callers_[id].answers++ % ANSWERS_PER_FULL_CHECK == 0; }

  static void Count(bool right) {
    if (!right) rival_wrong(1);
    rival_done(1);
  }

  Echo::Client echo_;
  kj::Array<Caller> callers_;
  kj::TaskSet tasks_;
};

class ItemCheck final : public Sink::Server {
 protected:
  kj::Promise<void> item(ItemContext context) override {
    int64_t id = next_++;
    if (!IsRight(context.getParams().getRecord(), id, id % ANSWERS_PER_FULL_CHECK == 0)) rival_wrong(1);
    rival_done(1);
    return kj::READY_NOW;
  }

 private:
  int64_t next_ = 0;
};

kj::Promise<void> ReadStream(Echo::Client& echo) {
  auto request = echo.streamRequest();
  Fill(request.initRecord(), 0);
  request.setSink(kj::heap<ItemCheck>());
  return request.send().ignoreResult();
}

}  // namespace

void Drive(const role& role) {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  auto address = io.provider->getNetwork().parseAddress("127.0.0.1", role.port).wait(io.waitScope);
  kj::Own<kj::AsyncIoStream> stream = Layer(address->connect().wait(io.waitScope));
  capnp::TwoPartyVatNetwork network(*stream, capnp::rpc::twoparty::Side::CLIENT);
  auto system = capnp::makeRpcClient(network);
  capnp::MallocMessageBuilder message;
  auto server = message.initRoot<capnp::rpc::twoparty::VatId>();
  server.setSide(capnp::rpc::twoparty::Side::SERVER);
  Echo::Client echo = system.bootstrap(server).castAs<Echo>();
  rival_ready(role.port);
  if (role.workload == WORKLOAD_STREAM) {
    auto ended = kj::runCatchingExceptions([&] { ReadStream(echo).wait(io.waitScope); });
    KJ_IF_MAYBE(exception, ended) rival_failed(exception->getDescription().cStr());
    else rival_failed("the stream ended");
    rival_rest();
  }
  Load load(echo, role.in_flight, role.workload == WORKLOAD_BLOB);
  for (unsigned id = 0; id < role.in_flight; id++) {
    if (role.workload == WORKLOAD_BLOB) load.CallBlob(id);
    else load.CallRecord(id);
  }
  kj::Promise<void>(kj::NEVER_DONE).wait(io.waitScope);
  rival_die("the event loop ended");
}

}  // namespace rivals
