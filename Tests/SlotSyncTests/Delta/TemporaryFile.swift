// A nameless file for tests that read and write descriptors.

import Glibc
import SystemPackage

@testable import SlotSync

func withTemporaryFile<Value>(_ bytes: [UInt8] = [], _ body: (NamedDescriptor) throws -> Value) throws -> Value {
    var template = Array("/tmp/slotsync-test.XXXXXX".utf8CString)
    let descriptor = FileDescriptor(rawValue: mkstemp(&template))
    unlink(template)
    return try descriptor.closeAfter {
        _ = try descriptor.writeAll(bytes)
        _ = try descriptor.seek(offset: 0, from: .start)
        return try body(NamedDescriptor(descriptor, name: "test file"))
    }
}

extension NamedDescriptor {
    /// All bytes from the file's start.
    func contents() throws -> [UInt8] {
        _ = try descriptor.seek(offset: 0, from: .start)
        var input = SequentialInput(descriptor, name: name)
        return try input.rest(atMost: 1 << 30)
    }
}
