/* What stands behind a tag of a completion queue: one operation that ended, well or not. */
#pragma once

namespace rivals {

class Step {
 public:
  virtual ~Step() = default;
  virtual void Proceed(bool ok) = 0;
};

}  // namespace rivals
