/* The server: one thread on one completion queue, with calls that are asked for ahead and used again. */
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

/* Calls asked for ahead: as many as can be in flight, so that none waits to be accepted. */
constexpr unsigned kCallsAhead = 1024;

/* Blobs are not decoded: the library hands on its buffers as they came. */
using Service = Echo::WithRawMethod_Blob<Echo::WithAsyncMethod_Unary<Echo::WithAsyncMethod_Stream<Echo::Service>>>;

/* One unary call at a time: its messages and its memory are used again for the next. */
template <class Message>
class UnaryCall : public Step {
 public:
  using Request = void (Service::*)(grpc::ServerContext*, Message*, grpc::ServerAsyncResponseWriter<Message>*, grpc::CompletionQueue*,
                                    grpc::ServerCompletionQueue*, void*);

  UnaryCall(Service& service, Request request, grpc::ServerCompletionQueue& queue)
      : service_(service), request_call_(request), queue_(queue) {
    Ask();
  }

  void Proceed(bool ok) override {
    if (answering_ || !ok) {
      Ask();
      return;
    }
    Answer(request_, answer_);
    rival_done(1);
    answering_ = true;
    writer_->Finish(answer_, grpc::Status::OK, this);
  }

 private:
  void Ask() {
    answering_ = false;
    writer_.reset();
    context_.emplace();
    writer_.emplace(&*context_);
    (service_.*request_call_)(&*context_, &request_, &*writer_, &queue_, &queue_, this);
  }

  Service& service_;
  Request request_call_;
  grpc::ServerCompletionQueue& queue_;
  bool answering_ = false;
  Message request_, answer_;
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncResponseWriter<Message>> writer_;
};

/* One stream at a time: the next record is written when the last one was taken. */
class StreamCall : public Step {
 public:
  StreamCall(Service& service, grpc::ServerCompletionQueue& queue) : service_(service), queue_(queue) { Ask(); }

  void Proceed(bool ok) override {
    if (!ok) {
      Ask();
      return;
    }
    grpc::WriteOptions options;
    /* The first brings the call's metadata, which must not wait for more. */
    if (next_ > 0) options.set_buffer_hint();
    FillRecord(item_, next_++);
    rival_done(1);
    writer_->Write(item_, options, this);
  }

 private:
  void Ask() {
    next_ = 0;
    writer_.reset();
    context_.emplace();
    writer_.emplace(&*context_);
    service_.RequestStream(&*context_, &request_, &*writer_, &queue_, &queue_, this);
  }

  Service& service_;
  grpc::ServerCompletionQueue& queue_;
  int64_t next_ = 0;
  Canonical request_, item_;
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncWriter<Canonical>> writer_;
};

}  // namespace

void Serve(const role& role) {
  Service service;
  grpc::ServerBuilder builder;
  int port = 0;
  SetUp(builder);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) rival_die("cannot listen");
  std::vector<std::unique_ptr<Step>> calls;
  if (role.workload == WORKLOAD_STREAM) calls.push_back(std::make_unique<StreamCall>(service, *queue));
  while (calls.size() < kCallsAhead && role.workload != WORKLOAD_STREAM) {
    if (role.workload == WORKLOAD_UNARY) {
      calls.push_back(std::make_unique<UnaryCall<Canonical>>(service, &Service::RequestUnary, *queue));
    } else {
      calls.push_back(std::make_unique<UnaryCall<grpc::ByteBuffer>>(service, &Service::RequestBlob, *queue));
    }
  }
  rival_ready(static_cast<uint16_t>(port));
  void* tag;
  for (bool ok; queue->Next(&tag, &ok);) static_cast<Step*>(tag)->Proceed(ok);
  rival_die("the completion queue was shut down");
}

}  // namespace rivals
