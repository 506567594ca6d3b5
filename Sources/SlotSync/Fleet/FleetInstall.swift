// Puts the agent on all hosts, over ssh, at the same time.

/// How the installation went on one host, which has this version of the agent now.
public enum InstallOutcome: Sendable, Hashable {
    /// This very program was there.
    case alreadyThere
    /// It is at `path` on the host now; `before` is the version that was there, if one was.
    case installed(path: String, before: String?)
}

extension Fleet {
    /// Puts `agent` on every host, one ssh session each, where this very program is not there already. The root does not
    /// matter.
    ///
    /// - Parameter folder: The folder on the hosts; nil: `~/.local/bin`, where a session looks for the agent.
    public func install(_ agent: AgentProgram, folder: String? = nil) -> FleetOperation<HostResults<InstallOutcome>> {
        FleetOperation { emit in
            guard self.transport.kind == .ssh else {
                throw SlotSyncError(
                    .badInput, "install goes over ssh; --transport local starts the agent that is on this machine")
            }
            return try await self.askEach(telling: emit) { connection in
                emit(.hostStarted(connection.host))
                let installed = try await install(agent, folder: folder.map(Self.remoteFolder), over: connection)
                emit(.hostFinished(connection.host, .installed(installed)))
                return installed
            }
        }
    }

    @FleetActor
    private func install(
        _ agent: AgentProgram, folder: String?, over connection: HostConnection
    ) async throws -> InstallOutcome {
        let remoteCommand = InstallCommand(folder: folder ?? "", version: SlotSyncVersion.text).text
        let session = try await connection.logIn {
            let command = try await transport.loginCommand(to: connection.host, timeout: timeout)
            let session = InstallSession(
                agent: agent, folder: folder, port: connection.host.port,
                stream: try ChildStream(command + [remoteCommand], timeout: timeout))
            do { try await session.begin() } catch {
                await session.close()
                throw session.isDroppedLogin ? DroppedLogin(error: hostError(error)) : error
            }
            return session
        }
        do {
            let outcome = try await session.run()
            await session.close()
            return outcome
        } catch {
            await session.close()
            throw error
        }
    }

    /// A session begins in the home folder, so `~/` needs no shell that understands it.
    private static func remoteFolder(_ folder: String) -> String {
        if folder == "~" || folder == "~/" { return "." }
        if folder.hasPrefix("~/") { return String(folder.dropFirst(2)) }
        return folder.hasPrefix("-") ? "./" + folder : folder
    }
}
