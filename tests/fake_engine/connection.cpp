#include "tests/fake_engine/connection.hpp"

#include "tests/fake_engine/dialect.hpp"
#include "tests/fake_engine/record.hpp"
#include "tests/fake_engine/recorded_stream.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace fake_engine {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Socket = asio::generic::stream_protocol::socket;
using namespace std::chrono_literals;

const std::set<std::string> kPlainInference = {"/v1/audio/speech",       "/v1/audio/voices",
                                               "/v1/images/generations", "/sdapi/v1/txt2img",
                                               "/sdapi/v1/img2img",      "/v1/tasks/run"};
const std::set<std::string> kForms = {"/v1/audio/transcriptions", "/v1/audio/translations",
                                      "/v1/images/edits", "/v1/images/variations"};
const std::set<std::string> kCounting = {"/v1/messages/count_tokens", "/messages/count_tokens",
                                         "/v1/responses/input_tokens",
                                         "/v1/chat/completions/input_tokens"};
const std::set<std::string> kRerank = {"/v1/rerank", "/v1/reranking", "/rerank", "/reranking"};
const std::set<std::string> kEmbeddings = {"/v1/embeddings", "/embeddings"};

/// One connection: reads requests, answers them with raw bytes.
class Connection {
 public:
  Connection(int fd, World& world) : world_(world), options_(world.options), socket_(context_) {
    socket_.assign(asio::generic::stream_protocol(AF_INET, SOCK_STREAM), fd);
  }

  void run() {
    for (open_ = true; open_;) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(256 * 1024 * 1024);
      parser.header_limit(256 * 1024);
      boost::system::error_code error;
      http::read(socket_, buffer_, parser, error);
      if (error) return;
      request_ = parser.release();
      open_ = request_.keep_alive();
      if (options_.hang) {
        write_record(world_, request_);
        return wait_for_close();
      }
      answer();
    }
  }

 private:
  bool send(std::string_view bytes) {
    boost::system::error_code error;
    asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), error);
    if (error) open_ = false;
    return !error;
  }

  void reply(int status, std::string_view body,
             std::string_view type = "application/json; charset=utf-8") {
    if (status >= 400) open_ = false;  // as llama-server: every error closes
    std::string head = fmt::format(
        "HTTP/1.1 {} {}\r\nServer: fake_engine\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
        "x-fake-engine: {}:{}\r\n{}\r\n",
        status, std::string(http::obsolete_reason(static_cast<http::status>(status))), type,
        body.size(), options_.name, ::getpid(), open_ ? "" : "Connection: close\r\n");
    if (options_.truncate_body) {
      send(head + std::string(body.substr(0, body.size() / 2)));
      open_ = false;
      return;
    }
    if (options_.close_after_head) {
      send(head);
      open_ = false;
      return;
    }
    send(head + (request_.method() == http::verb::head ? std::string() : std::string(body)));
  }

  void error(int status, std::string_view message, std::string_view type) {
    reply(status, fmt::format(R"({{"error":{{"message":{},"type":"{}","code":{}}}}})",
                              json_text(message), type, status));
  }

  void wait_for_close() {
    char byte = 0;
    while (::recv(socket_.native_handle(), &byte, 1, 0) > 0) {
    }
  }

  bool client_has_gone() {
    pollfd entry{socket_.native_handle(), POLLRDHUP, 0};
    return ::poll(&entry, 1, 0) == 1;
  }

  void answer() {
    const std::string target(request_.target());
    const std::string path = target.substr(0, target.find('?'));
    if (path == "/health") return answer_health();
    if (path == "/fake/stats") {
      return reply(200, fmt::format(R"({{"requests":{},"active":{},"aborted":{},"props":{}}})",
                                    world_.requests.load(), world_.active.load(),
                                    world_.aborted.load(), world_.props_asked.load()));
    }
    if (path == "/sleep" || path == "/wake_up" || path == "/is_sleeping") return answer_sleep(path);
    if (!world_.is_loaded()) {
      if (world_.asleep) wake();
      if (!wait_until_awake()) return error(503, "Loading model", "unavailable_error");
    }
    if (options_.bad_status && request_.method() == http::verb::post) {
      send("HTTP/1.1 twohundred OK\r\n\r\n");
      open_ = false;
      return;
    }
    answer_loaded(path);
  }

  void answer_health() {
    if (options_.hang_health) return wait_for_close();
    const int asked = world_.health_asked++;
    if (!options_.health_sequence.empty()) {
      const auto last = options_.health_sequence.size() - 1;
      const int status =
          options_.health_sequence[std::min<std::size_t>(static_cast<std::size_t>(asked), last)];
      if (status != 200) return error(status, "Loading model", "unavailable_error");
    }
    if (world_.is_loaded() || options_.lie_health || world_.asleep) {
      return reply(200, R"({"status":"ok"})");
    }
    error(503, "Loading model", "unavailable_error");
  }

  void answer_sleep(const std::string& path) {
    if (path == "/sleep") world_.asleep = true;
    if (path == "/wake_up") wake();
    if (path == "/is_sleeping") {
      return reply(200, fmt::format(R"({{"is_sleeping":{}}})", world_.asleep.load()));
    }
    reply(200, "{}");
  }

  void wake() {
    world_.awake_at_ms = world_.age_ms() + options_.load_ms;
    world_.asleep = false;
  }

  /// An engine that was asleep loads again for the request; one that starts refuses it.
  bool wait_until_awake() {
    if (world_.awake_at_ms == 0) return false;
    while (!world_.is_loaded()) {
      if (client_has_gone()) return false;
      ::poll(nullptr, 0, 5);
    }
    return true;
  }

  void answer_loaded(const std::string& path) {
    if (path == "/v1/models" || path == "/models") {
      return reply(200, fmt::format(R"({{"object":"list","data":[{{"id":{},"object":"model"}}]}})",
                                    json_text(options_.name)));
    }
    if (path == "/props") return answer_props();
    if (path.starts_with("/slots")) return answer_slots(path);
    if (request_.find(http::field::upgrade) != request_.end()) return switch_protocols();
    if (path.find("/fake/mirror") != std::string::npos) return mirror();
    if (request_.method() != http::verb::post)
      return error(404, "File Not Found", "not_found_error");
    const int number = ++world_.requests;
    write_record(world_, request_);
    if (number == options_.crash_at_request) std::_Exit(134);
    ++world_.active;
    infer(path);
    --world_.active;
  }

  void answer_props() {
    ++world_.props_asked;
    if (options_.hang_props) return wait_for_close();
    if (!options_.props_file.empty()) {
      std::ostringstream text;
      text << std::ifstream(options_.props_file).rdbuf();
      return reply(200, text.str());
    }
    const std::string settings =
        options_.context > 0
            ? fmt::format(R"("default_generation_settings":{{"n_ctx":{}}},)", options_.context)
            : std::string();
    reply(200, fmt::format(R"({{{}"model_path":{},"total_slots":{},"is_sleeping":{}}})", settings,
                           json_text(options_.name), options_.slots, world_.asleep.load()));
  }

  /// Says what it has got, for requests of any method that only pass through.
  void mirror() {
    std::string headers;
    for (const auto& field : request_) {
      headers +=
          fmt::format("{}: {}\n", std::string(field.name_string()), std::string(field.value()));
    }
    reply(200,
          fmt::format("{} {}\n{}\n{}", std::string(request_.method_string()),
                      std::string(request_.target()), headers, request_.body()),
          "text/plain");
  }

  /// From then on every byte comes back, after a first word of our own in the packet of the head.
  void switch_protocols() {
    ++world_.requests;
    ++world_.active;
    send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: fake\r\n\r\nhello ");
    std::string first(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    if (!first.empty()) send(first);
    std::array<char, 4096> bytes;
    for (ssize_t n = 0; (n = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), 0)) > 0;) {
      if (!send({bytes.data(), static_cast<std::size_t>(n)})) break;
    }
    send("bye");
    open_ = false;
    --world_.active;
  }

  void answer_slots(const std::string& path) {
    const std::string target(request_.target());
    if (path == "/slots") {
      std::string list;
      for (int i = 0; i < options_.slots; ++i) {
        list += fmt::format(R"({}{{"id":{},"n_prompt_tokens":{},"is_processing":{}}})",
                            i > 0 ? "," : "", i, world_.requests.load() > 0 ? 100 : 0,
                            i < world_.active);
      }
      return reply(200, "[" + list + "]");
    }
    const std::size_t action = target.find("action=");
    const std::string what = action == std::string::npos ? "" : target.substr(action + 7);
    const std::string file = slot_file(request_.body());
    if (options_.slot_save_path.empty()) {
      return error(501,
                   "This server does not support slots action. Start it with `--slot-save-path`",
                   "not_supported_error");
    }
    const std::string full = options_.slot_save_path + "/" + file;
    if (what == "save") {
      std::ofstream(full) << "slot of " << options_.name;
      return reply(200,
                   fmt::format(R"({{"id_slot":0,"filename":{},"n_saved":100,"n_written":1000}})",
                               json_text(file)));
    }
    if (what == "restore" && std::ifstream(full)) {
      return reply(200,
                   fmt::format(R"({{"id_slot":0,"filename":{},"n_restored":100,"n_read":1000}})",
                               json_text(file)));
    }
    if (what == "erase") return reply(200, R"({"id_slot":0,"n_erased":100})");
    error(400, "Unable to restore slot", "invalid_request_error");
  }

  void infer(const std::string& path) {
    if (kForms.contains(path) && is_form(request_)) {
      return reply(200, fmt::format(R"({{"text":"fake text","path":{}}})", json_text(path)));
    }
    if (options_.strict_type && !says_json(request_)) {
      return error(422, "Unsupported Media Type: Only 'application/json' is allowed",
                   "bad_request");
    }
    const Ask ask = read_ask(request_.body());
    if (!ask.is_json)
      return error(500, "parse error: syntax error while parsing value", "server_error");
    if (path == "/v1/chat/completions" || path == "/chat/completions") {
      return generate(Dialect::Chat, ask, 400);
    }
    if (path == "/v1/completions" || path == "/completions")
      return generate(Dialect::Completions, ask, 400);
    if (path == "/completion" || path == "/infill") return generate(Dialect::Completion, ask, 0);
    if (path == "/v1/messages" || path == "/messages") return generate(Dialect::Messages, ask, 500);
    if (path == "/v1/responses" || path == "/responses")
      return generate(Dialect::Responses, ask, 400);
    if (kCounting.contains(path)) {
      return reply(200, fmt::format(R"({{"input_tokens":{}}})", ask.prompt_tokens));
    }
    if (path == "/tokenize") return reply(200, R"({"tokens":[1,2,3]})");
    if (kEmbeddings.contains(path)) {
      return reply(200, fmt::format(R"({{"model":{},"object":"list","usage":{{"prompt_tokens":{},)"
                                    R"("total_tokens":{}}},"data":[{{"embedding":[0.25,-0.5,0.75],)"
                                    R"("index":0,"object":"embedding"}}]}})",
                                    json_text(ask.model), ask.prompt_tokens, ask.prompt_tokens));
    }
    if (kRerank.contains(path)) {
      return reply(
          200,
          fmt::format(R"({{"model":{},"object":"list","usage":{{"prompt_tokens":1,)"
                      R"("total_tokens":1}},"results":[{{"index":0,"relevance_score":0.5}}]}})",
                      json_text(ask.model)));
    }
    if (path == "/v1/audio/speech") return reply(200, "RIFF fake audio", "audio/wav");
    if (kPlainInference.contains(path)) {
      return reply(
          200, fmt::format(R"({{"model":{},"path":{}}})", json_text(ask.model), json_text(path)));
    }
    error(404, "File Not Found", "not_found_error");
  }

  /// Waits, watching the client; false when it has gone or the engine is to stop.
  bool pause(std::chrono::duration<double> time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
      if (client_has_gone()) return false;
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          until - std::chrono::steady_clock::now());
      ::poll(nullptr, 0, static_cast<int>(std::clamp<long>(left.count(), 1, 20)));
    }
    return !client_has_gone();
  }

  void generate(Dialect dialect, const Ask& ask, int no_messages_status) {
    if (!ask.has_messages && no_messages_status != 0) {
      return error(no_messages_status, "\"messages\" is required", "invalid_request_error");
    }
    const Answer answer = make_answer(ask, options_);
    const double per_token = options_.tps > 0 ? 1.0 / options_.tps : 0.0;
    const Writer writer(dialect, ask, answer, per_token);
    const auto prefill = std::chrono::milliseconds(options_.prefill_ms);
    if (ask.stream) return stream(writer, answer, per_token, prefill);
    const double seconds = per_token * static_cast<double>(answer.total());
    const bool done = pause(prefill + std::chrono::duration<double>(seconds)) && !answer.endless;
    if (answer.endless) {
      while (pause(50ms)) {
      }
    }
    if (options_.crash_mid_stream >= 0) std::_Exit(134);
    if (!done) {
      ++world_.aborted;
      open_ = false;
      return;
    }
    reply(200, writer.whole());
  }

  bool chunk(const std::string& text) {
    if (text.empty()) return true;
    if (options_.bad_chunk) return send("zz\r\n" + text + "\r\n");
    return send(fmt::format("{:x}\r\n{}\r\n", text.size(), text));
  }

  void stream(const Writer& writer, const Answer& answer, double per_token,
              std::chrono::milliseconds prefill) {
    const std::string head = fmt::format(
        "HTTP/1.1 200 OK\r\nServer: fake_engine\r\nContent-Type: text/event-stream\r\n"
        "Transfer-Encoding: chunked\r\nx-fake-engine: {}:{}\r\n\r\n",
        options_.name, ::getpid());
    if (options_.head_first) send(head);
    bool going = pause(prefill);
    if (going && !options_.head_first) going = send(head);
    if (options_.close_after_head) going = open_ = false;
    if (!options_.stream_file.empty()) return finish_stream(going && send_recorded());
    going = going && chunk(writer.begin());
    for (std::size_t i = 0; going && (answer.endless || i < answer.total()); ++i) {
      if (static_cast<int>(i) == options_.crash_mid_stream) std::_Exit(134);
      if (world_.stopping) return stall();
      going = pause(std::chrono::duration<double>(per_token)) && chunk(writer.token(i));
      if (options_.truncate_body && i == 2) going = open_ = false;
    }
    finish_stream(going && chunk(writer.end()));
  }

  bool send_recorded() {
    bool going = true;
    for (const RecordedPiece& piece : recorded_pieces(options_)) {
      if (piece.pause_before.count() > 0) going = pause(piece.pause_before);
      if (!going || !chunk(piece.bytes)) return false;
    }
    return going;
  }

  void finish_stream(bool whole) {
    if (whole && options_.end_ms > 0) whole = pause(std::chrono::milliseconds(options_.end_ms));
    if (whole) {
      send("0\r\n\r\n");
      return;
    }
    if (open_) ++world_.aborted;
    open_ = false;
  }

  /// SIGTERM ends the generation, and then llama-server waits for its client.
  void stall() {
    open_ = false;
    wait_for_close();
  }

  World& world_;
  const Options& options_;
  asio::io_context context_;
  Socket socket_;
  boost::beast::flat_buffer buffer_;
  Request request_;
  bool open_ = true;
};

}  // namespace

void serve(int fd, World& world) {
  Connection(fd, world).run();
}

void stop_on_signals(World& world) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  int signal = 0;
  while (::sigwait(&signals, &signal) == 0) {
    if (world.options.ignore_sigterm) continue;
    std::fprintf(stderr, "0.00.000.000 I srv  signal %d\n", signal);
    if (world.options.slow_stop_ms > 0) ::poll(nullptr, 0, world.options.slow_stop_ms);
    if (world.stopping || world.options.quick_sigterm) std::_Exit(world.stopping ? 1 : 0);
    if (!world.is_loaded()) ::kill(::getpid(), SIGKILL);  // no handler is installed yet
    world.stopping = true;
    std::thread([&world] {
      while (world.active > 0) ::poll(nullptr, 0, 5);
      std::exit(0);
    }).detach();
  }
}

}  // namespace fake_engine
