#pragma once

#include "proxy/admission/dispatcher.hpp"
#include "proxy/proxy.hpp"
#include "proxy/request/session.hpp"
#include "tests/base/http/stream_fixture.hpp"
#include "tests/support/temp_dir.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rouse {

/// The proxy's classes in this process, and both of a request's sides in the hands of the test: a
/// client on `stream_`, and engines or peers that are plain sockets. Nothing is answered unless the
/// test says so, byte by byte, and connections break when it wants them to.
class ExchangeWorld : public StreamFixture {
 protected:
  /// Somebody whom rouse connects to: an engine or a peer.
  class OtherSide {
   public:
    /// Has a port, and is deaf until listen().
    explicit OtherSide(ExchangeWorld& world);
    /// Also again, after stop_listening().
    void listen();

    [[nodiscard]] int port() const { return port_; }
    /// The next connection, which must come within 5 s.
    void accept();
    [[nodiscard]] bool has_caller();
    /// What comes next is confirmed when it comes, not with an answer.
    void confirm_at_once();
    /// Something has arrived on the connection, unread; it must within 5 s.
    void has_mail();
    /// Everything heard on the connection until @p end is part of it; it must come within 5 s.
    std::string hear(std::string_view end);
    /// The whole of a request with a body of known length.
    std::string hear_request();
    void say(std::string_view bytes);
    /// As much of it as the kernel takes now; whether that was all.
    bool say_at_once(std::string_view bytes);
    /// A whole answer of JSON that keeps the connection.
    void answer(int status, std::string_view body, std::string_view fields = {});
    void hang_up() { connection_.reset(); }
    /// With RST.
    void reset();
    /// Without a word: whatever comes then is answered with RST, and confirmed to nobody. False:
    /// the kernel does not let us (TCP_REPAIR needs CAP_NET_ADMIN).
    [[nodiscard]] bool vanish();
    /// rouse has closed the connection.
    [[nodiscard]] bool is_left();
    /// From now on nobody listens here.
    void stop_listening() { listener_.reset(); }

   private:
    void bind();

    ExchangeWorld& world_;
    Peer listener_;
    Peer connection_;
    int port_ = 0;
    std::string heard_;
  };

  /// Sets everything up; no client has come. @p config: YAML.
  void start(const std::string& config);
  /// Returns when the engine of @p model, whose command does nothing, is taken for ready. An engine
  /// listens after its start only: before it, the port would be taken for somebody else's.
  void load(const std::string& model);
  /// A client's connection, which rouse serves from now on.
  void connect_client();
  /// The client sends a request with a JSON body.
  void ask(std::string_view target, std::string_view body, std::string_view fields = {});
  /// What the client has heard until @p end is part of it; it must come within 5 s.
  std::string client_hears(std::string_view end);
  /// Waits for the end of the client's connection; what came before it.
  std::string client_hears_end();
  void client_leaves() { hang_up(); }
  /// No request is on its way.
  [[nodiscard]] bool is_quiet() { return recorder().in_flight.entries().empty(); }
  /// The row of the last request, once it has ended.
  Activity last_row();

  [[nodiscard]] Proxy& proxy();
  [[nodiscard]] const Config& config();
  [[nodiscard]] Dispatcher& dispatcher();
  [[nodiscard]] Recorder& recorder();
  [[nodiscard]] Peers& peers();

  void TearDown() override;

 private:
  struct Parts;
  struct PartsDeleter {
    void operator()(Parts* parts) const;
  };
  std::unique_ptr<Parts, PartsDeleter> parts_;
  std::string client_heard_;
};

}  // namespace rouse
