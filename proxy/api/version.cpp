#include "base/text/json_writer.hpp"
#include "proxy/api/queue_view.hpp"

namespace rouse {

std::string version_text() {
  JsonWriter json;
  json.begin_object();
  json.member("version", ROUSE_VERSION);
  json.member("commit", ROUSE_COMMIT);
  json.member("build_date", ROUSE_BUILD_DATE);
  json.end_object();
  return json.take();
}

}  // namespace rouse
