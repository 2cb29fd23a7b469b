#pragma once

#include <cstdint>
#include <sqlite3.h>
#include <string>
#include <string_view>

namespace rouse {

/// A prepared statement; its parameters are bound and its columns read in order.
class Statement {
 public:
  Statement(sqlite3* db, const std::string& sql) {
    status_ =
        sqlite3_prepare_v2(db, sql.c_str(), static_cast<int>(sql.size()), &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(std::int64_t value) { sqlite3_bind_int64(statement_, ++bound_, value); }
  void bind(double value) { sqlite3_bind_double(statement_, ++bound_, value); }
  /// Not copied: @p value must stay as it is until the statement is reset or ends.
  void bind(const std::string& value) {
    sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                      SQLITE_STATIC);
  }
  void bind(std::string&&) = delete;
  /// Whether there is a row.
  bool step() {
    if (status_ == SQLITE_OK || status_ == SQLITE_ROW) status_ = sqlite3_step(statement_);
    column_ = 0;
    return status_ == SQLITE_ROW;
  }
  void reset() {
    sqlite3_reset(statement_);
    status_ = status_ == SQLITE_DONE ? SQLITE_OK : status_;
    bound_ = 0;
  }
  [[nodiscard]] bool failed() const {
    return status_ != SQLITE_OK && status_ != SQLITE_ROW && status_ != SQLITE_DONE;
  }
  std::int64_t integer() { return sqlite3_column_int64(statement_, column_++); }
  double real() { return sqlite3_column_double(statement_, column_++); }
  std::string text() {
    const int at = column_++;
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, at));
    const int size = sqlite3_column_bytes(statement_, at);
    return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int status_ = SQLITE_OK;
  int bound_ = 0;
  int column_ = 0;
};

}  // namespace rouse
