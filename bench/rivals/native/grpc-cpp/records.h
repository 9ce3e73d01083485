/* The messages of the workloads, filled, echoed and checked: records of canonical.proto, and blobs as the library's own byte buffers. */
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "../common/rival.h"
#include "canonical.pb.h"

namespace rivals {

inline void FillRecord(Canonical& record, int64_t id) {
  record.Clear();
  record.set_id(id);
  record.set_name("abcdefghijklmnop");
  record.add_tags("alpha");
  record.add_tags("beta");
  record.add_tags("gamma");
  record.set_score(1.5);
}

inline void Fill(Canonical& record, unsigned caller) { FillRecord(record, caller); }

/* The bytes are made once: a program that sends bytes has them already. */
inline void Fill(grpc::ByteBuffer& blob, unsigned caller) {
  if (blob.Valid()) return;
  std::string bytes(BLOB_BYTES, '\0');
  rival_fill_blob(reinterpret_cast<uint8_t*>(bytes.data()), caller);
  grpc::Slice slice(bytes);
  blob = grpc::ByteBuffer(&slice, 1);
}

inline bool IsRight(const Canonical& record, int64_t id, bool in_full) {
  if (record.id() != id || record.tags_size() != 3) return false;
  return !in_full || (record.name() == "abcdefghijklmnop" && record.score() == 1.5 && record.tags(0) == "alpha" &&
                      record.tags(1) == "beta" && record.tags(2) == "gamma");
}

inline bool IsRight(const Canonical& answer, const Canonical& sent, bool in_full) { return IsRight(answer, sent.id(), in_full); }

inline bool IsRight(const grpc::ByteBuffer& answer, const grpc::ByteBuffer& sent, bool in_full) {
  if (answer.Length() != sent.Length()) return false;
  std::vector<grpc::Slice> pieces;
  grpc::Slice whole, wanted;
  if (!sent.TrySingleSlice(&wanted).ok() || !answer.Dump(&pieces).ok()) return false;
  if (*pieces.front().begin() != *wanted.begin() || pieces.back().end()[-1] != wanted.end()[-1]) return false;
  return !in_full || (answer.DumpToSingleSlice(&whole).ok() && std::equal(whole.begin(), whole.end(), wanted.begin()));
}

/* The answer of the handler: a record with all fields of the request, the bytes that came. */
inline void Answer(const Canonical& request, Canonical& answer) { answer = request; }
inline void Answer(grpc::ByteBuffer& request, grpc::ByteBuffer& answer) {
  answer.Swap(&request);
  request.Clear();
}

}  // namespace rivals
