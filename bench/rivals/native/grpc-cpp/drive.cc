/* The client: a closed loop of callers on one channel, one thread on one completion queue; or the reader of one stream. */
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <vector>

#include "canonical.grpc.pb.h"
#include "modes.h"
#include "records.h"
#include "step.h"

namespace rivals {
namespace {

using Stub = Echo::Stub;

/* How a call begins. Blobs take the library's way for bytes, without a message around them. */
struct Beginnings {
  Stub& records;
  grpc::GenericStub& blobs;

  auto Prepare(grpc::ClientContext* context, const Canonical& request, grpc::CompletionQueue* queue) const {
    return records.PrepareAsyncUnary(context, request, queue);
  }
  auto Prepare(grpc::ClientContext* context, const grpc::ByteBuffer& request, grpc::CompletionQueue* queue) const {
    return blobs.PrepareUnaryCall(context, "/rivals.Echo/Blob", request, queue);
  }
};

/* Makes its next call when the last one was answered. The messages are used again; the context cannot be. */
template <class Message>
class Caller : public Step {
 public:
  Caller(unsigned id, const Beginnings& beginnings, grpc::CompletionQueue& queue) : id_(id), beginnings_(beginnings), queue_(queue) {}

  void Call() {
    reader_.reset();
    context_.emplace();
    Fill(request_, id_);
    reader_ = beginnings_.Prepare(&*context_, request_, &queue_);
    reader_->StartCall();
    reader_->Finish(&answer_, &status_, this);
  }

  void Proceed(bool) override {
    if (!status_.ok()) {
      rival_failed(status_.error_message().c_str());
      return;
    }
    if (!IsRight(answer_, request_, answers_++ % ANSWERS_PER_FULL_CHECK == 0)) rival_wrong(1);
    rival_done(1);
    Call();
  }

 private:
  unsigned id_;
  Beginnings beginnings_;
  grpc::CompletionQueue& queue_;
  uint64_t answers_ = 0;
  Message request_, answer_;
  grpc::Status status_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Message>> reader_;
};

template <class Message>
void RunCallers(unsigned count, const Beginnings& beginnings) {
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Caller<Message>>> callers;
  for (unsigned id = 0; id < count; id++) callers.push_back(std::make_unique<Caller<Message>>(id, beginnings, queue));
  for (auto& caller : callers) caller->Call();
  void* tag;
  for (bool ok; queue.Next(&tag, &ok);) static_cast<Step*>(tag)->Proceed(ok);
}

/* The synchronous reader: nothing else happens in this process. */
void ReadStream(Stub& stub) {
  grpc::ClientContext context;
  Canonical request, item;
  FillRecord(request, 0);
  std::unique_ptr<grpc::ClientReader<Canonical>> reader = stub.Stream(&context, request);
  for (int64_t id = 0; reader->Read(&item); id++) {
    if (!IsRight(item, id, id % ANSWERS_PER_FULL_CHECK == 0)) rival_wrong(1);
    rival_done(1);
  }
  rival_failed(reader->Finish().error_message().c_str());
  rival_rest();
}

}  // namespace

void Drive(const role& role) {
  grpc::ChannelArguments arguments;
  SetUp(arguments);
  std::string target = "ipv4:127.0.0.1:" + std::to_string(role.port);
  auto channel = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(5))) rival_die("cannot connect");
  std::unique_ptr<Stub> stub = Echo::NewStub(channel);
  grpc::GenericStub generic(channel);
  Beginnings beginnings{*stub, generic};
  rival_ready(role.port);
  if (role.workload == WORKLOAD_UNARY) RunCallers<Canonical>(role.in_flight, beginnings);
  else if (role.workload == WORKLOAD_BLOB) RunCallers<grpc::ByteBuffer>(role.in_flight, beginnings);
  else ReadStream(*stub);
  rival_die("the load ended");
}

}  // namespace rivals
