/* The messages of canonical.capnp as the workloads want them: filled and checked. */
#pragma once

#include <cstdint>
#include <cstring>

#include "../common/rival.h"
#include "canonical.capnp.h"

namespace rivals {

/* Words that a call or an answer takes with its message and the library's own header; a message that fits is one allocation. */
constexpr uint64_t kRecordWords = 64;
constexpr uint64_t kBlobWords = BLOB_BYTES / sizeof(capnp::word) + 64;

inline void Fill(Canonical::Builder record, int64_t id) {
  record.setId(id);
  record.setName("abcdefghijklmnop");
  auto tags = record.initTags(3);
  tags.set(0, "alpha");
  tags.set(1, "beta");
  tags.set(2, "gamma");
  record.setScore(1.5);
}

inline bool IsRight(Canonical::Reader record, int64_t id, bool in_full) {
  auto tags = record.getTags();
  if (record.getId() != id || tags.size() != 3) return false;
  return !in_full || (record.getName() == "abcdefghijklmnop" && record.getScore() == 1.5 && tags[0] == "alpha" && tags[1] == "beta" &&
                      tags[2] == "gamma");
}

inline bool IsRight(capnp::Data::Reader answer, kj::ArrayPtr<const kj::byte> sent, bool in_full) {
  if (answer.size() != sent.size()) return false;
  if (in_full) return memcmp(answer.begin(), sent.begin(), sent.size()) == 0;
  return answer.front() == sent.front() && answer.back() == sent.back();
}

}  // namespace rivals
