// Which signatures a stage waits for: who was asked for each, when, and who was asked before. No more are asked for at
// once than fit a window, so that the controller's memory does not grow with the number of changed files. A pure value,
// so that hosts can be late, lost or without the basis in any order in a test. PatchLibrary carries out what it says.

import DequeModule

struct SignatureLedger {
    typealias Instant = ContinuousClock.Instant

    static let usualWindow = 8 << 20
    /// A host that owes signatures and neither delivers one nor gets on for so long is not waited for.
    static let patience = Duration.seconds(3)
    /// A host that gets on but delivers no signature keeps the others of its group waiting no longer than this, and the
    /// time that a slow disk takes to read so much.
    static let longestPatience = Duration.seconds(60)
    private static let slowestReading: UInt64 = 8 << 20
    /// Signatures may be longer than was expected of them. What comes beyond so many bytes that nobody has used yet is not
    /// kept: its content goes without it.
    static let mostHeld = 64 << 20

    /// What comes of asking another host.
    enum Next: Equatable {
        case ask(host: Int)
        /// Nobody else has the basis: these groups do without it.
        case giveUp(groups: [Int])
        /// Nobody else has it, but its owner may still deliver.
        case wait
    }

    private struct Debt {
        var owner: Int
        var groups: [Int]
        var askedAt: Instant
        var tried: Set<Int>
        /// How long the signature is expected to be.
        var bytes: Int
        /// The length of the content that will be made from the basis.
        var size: UInt64
    }

    private struct Wish {
        var basis: ContentDigest
        var group: Int
        var bytes: Int
        var size: UInt64
    }

    /// How many bytes of signatures may be under way, or here and not used yet.
    private let window: Int
    private var debts: [ContentDigest: Debt] = [:]
    /// What nobody was asked for yet, in the order of the entries: neighbours come into one frame.
    private var wishes: Deque<Wish> = []
    /// When a host that owes signatures last got on.
    private var lastProgress: [Int: Instant] = [:]
    private var owedBytes = 0
    private var heldBytes = 0

    init(window: Int = Self.usualWindow) { self.window = window }

    /// Whether some host owes a signature.
    var isOwed: Bool { !debts.isEmpty }

    /// Enters that a group needs the signature of a basis.
    ///
    /// - Parameter size: the length of the content that will be made from it.
    mutating func want(_ basis: ContentDigest, for group: Int, size: UInt64) {
        let blocks = size / UInt64(Signature.blockLength(forBasisLength: size)) + 1
        wishes.append(Wish(basis: basis, group: group, bytes: Int(clamping: blocks * 12), size: size))
    }

    /// Whom to ask for what now. Nobody, until half of the window is free.
    ///
    /// - Parameter host: a host that has a group's bases and is none of these.
    /// - Returns: the bases that each host is to be asked for, and those that no host has any more.
    mutating func ask(
        at now: Instant, host: (_ group: Int, _ tried: Set<Int>) -> Int?
    ) -> (questions: [Int: [ContentDigest]], unavailable: [(basis: ContentDigest, group: Int)]) {
        var questions: [Int: [ContentDigest]] = [:]
        var unavailable: [(basis: ContentDigest, group: Int)] = []
        guard owedBytes + heldBytes <= window / 2 else { return (questions, unavailable) }
        while owedBytes + heldBytes < window, let wish = wishes.popFirst() {
            if debts[wish.basis] != nil {
                debts[wish.basis]?.groups.append(wish.group)
            } else if let owner = host(wish.group, []) {
                debts[wish.basis] = Debt(
                    owner: owner, groups: [wish.group], askedAt: now, tried: [owner], bytes: wish.bytes,
                    size: wish.size)
                owedBytes += wish.bytes
                questions[owner, default: []].append(wish.basis)
            } else {
                unavailable.append((wish.basis, wish.group))
            }
        }
        return (questions, unavailable)
    }

    /// A signature has come, or is given up: the groups that waited for it.
    mutating func settle(_ basis: ContentDigest) -> [Int] {
        guard let debt = debts.removeValue(forKey: basis) else { return [] }
        owedBytes -= debt.bytes
        return debt.groups
    }

    /// Signatures are kept until an encoder has used them.
    mutating func hold(_ bytes: Int) { heldBytes += bytes }
    mutating func release(_ bytes: Int) { heldBytes -= bytes }

    /// Whether a signature that has come may be kept.
    func hasRoom(for bytes: Int) -> Bool { heldBytes + bytes <= Self.mostHeld }

    /// A host is getting on: what it owes has time again.
    mutating func noteProgress(of host: Int, at now: Instant) { lastProgress[host] = now }

    /// Whether it is this host that owes the signature.
    func isOwed(_ basis: ContentDigest, by host: Int) -> Bool { debts[basis]?.owner == host }

    /// What a host owes.
    func owed(by host: Int) -> [ContentDigest] { debts.filter { $0.value.owner == host }.map(\.key) }

    /// What is owed by hosts that have not got on for too long, and, overdue, by those that get on but do not deliver.
    func late(at now: Instant) -> [(basis: ContentDigest, isOverdue: Bool)] {
        let limit = now - Self.patience
        return debts.compactMap { basis, debt in
            let isOverdue =
                debt.askedAt < now - Self.longestPatience - .seconds(Int64(debt.size / Self.slowestReading))
            let isLate = debt.askedAt < limit && lastProgress[debt.owner].map { $0 < limit } ?? true
            return isLate || isOverdue ? (basis, isOverdue) : nil
        }
    }

    /// The groups that wait for a signature.
    func groups(waitingFor basis: ContentDigest) -> [Int] { debts[basis]?.groups ?? [] }

    /// Asks another host that has the basis.
    ///
    /// - Parameter ownerIsLost: false if the owner is only late: then it is waited for if there is no other.
    mutating func reassign(
        _ basis: ContentDigest, ownerIsLost: Bool, at now: Instant, host: (_ group: Int, _ tried: Set<Int>) -> Int?
    ) -> Next {
        guard let debt = debts[basis] else { return .wait }
        for group in debt.groups {
            guard let next = host(group, debt.tried) else { continue }
            debts[basis]?.owner = next
            debts[basis]?.askedAt = now
            debts[basis]?.tried.insert(next)
            return .ask(host: next)
        }
        return ownerIsLost ? .giveUp(groups: settle(basis)) : .wait
    }
}

extension Signature {
    /// About how many bytes it takes.
    var memoryLength: Int { blockCount * 12 }
}
