// Logins that a host's sshd dropped, and when they are tried again. sshd refuses at random while too many logins are
// under way (`MaxStartups 10:30:100`), most often at a jump host. So fewer log in at the same time from then on, and each
// waits for a moment of its own. HostConnection logs in by it.

/// sshd let go of a login before it began. Another try may do.
struct DroppedLogin: Error {
    /// What it comes to if nobody tries again.
    var error: SlotSyncError
}

/// Decides whether a dropped login is tried again. A value, for one login.
struct LoginRetries {
    static let most = 3
    private static let firstPause = Duration.milliseconds(600)

    /// How many have been decided on.
    private(set) var count = 0
    /// What attempts and pauses took so far; waiting for one's turn is not counted.
    private var spent = Duration.zero
    private let timeout: Duration

    /// - Parameter timeout: how long all attempts together may take.
    init(timeout: Duration) { self.timeout = timeout }

    /// An attempt has failed.
    ///
    /// - Parameters:
    ///   - duration: how long it took.
    ///   - share: evenly in 0..<1, so that many hosts do not come back at one moment.
    /// - Returns: how long to wait before the next; nil: there is none.
    mutating func pause(after duration: Duration, share: Double) -> Duration? {
        spent += duration
        let pause = Self.firstPause * (1 << count) * (0.5 + share)
        guard count < Self.most, spent + pause < timeout else { return nil }
        count += 1
        spent += pause
        return pause
    }

    /// Why the login failed in the end.
    func failure(_ error: SlotSyncError) -> SlotSyncError {
        let tries = count == 0 ? "" : " (tried \(count + 1) times)"
        return SlotSyncError(
            error.code,
            "\(error.message)\(tries): raise MaxStartups in sshd_config there, or on the jump host, or let fewer log in at the "
                + "same time with --parallel")
    }
}

extension HostConnection {
    /// Logs in, no more hosts at the same time than may; where sshd drops the login, again. Whoever asks a lost host
    /// again has these tries once more, though only where it comes to a login.
    ///
    /// - Parameter attempt: returns when the host has answered. It throws ``DroppedLogin`` where another try may do.
    func logIn<Session: Sendable>(_ attempt: @FleetActor () async throws -> Session) async throws -> Session {
        var retries = LoginRetries(timeout: fleet.timeout)
        while true {
            var start = ContinuousClock.now
            let login: Result<Session, DroppedLogin> = try await connecting.withPermit {
                start = .now
                do { return .success(try await attempt()) } catch let drop as DroppedLogin { return .failure(drop) }
            }
            switch login {
            case .success(let session):
                connecting.widen()
                return session
            case .failure(let drop):
                connecting.narrow()
                guard let pause = retries.pause(after: .now - start, share: .random(in: 0..<1)) else {
                    throw retries.failure(drop.error)
                }
                fleetLog.debug("login dropped", metadata: ["host": "\(host.label)", "reason": "\(drop.error)"])
                tell(.loginDropped(host, drop.error))
                try await Task.sleep(for: pause)
            }
        }
    }
}
