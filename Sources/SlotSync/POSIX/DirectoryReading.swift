// Reads a directory's names and links into the caller's memory. The walk looks at thousands of directories:
// getdents64(2) on the descriptor that is open anyway saves a second open and an allocation for each. `forEachName`
// in Directory.swift is simpler, where speed does not matter.

import CSystemCalls
import Glibc
import SystemPackage

extension Directory {
    /// Calls `body` with each name from where the descriptor stands to the directory's end, but `.` and
    /// `..`, in no order. One user at a time: the position belongs to the descriptor.
    ///
    /// - Parameter buffer: working space, at least 1 kB.
    func readNames(through buffer: UnsafeMutableRawBufferPointer, _ body: (UnsafeBufferPointer<UInt8>) -> Void)
        throws(Errno)
    {
        let raw = descriptor.rawValue
        while true {
            let filled = try systemCall { ss_getdents64(raw, buffer.baseAddress, buffer.count) }
            if filled == 0 { return }
            // struct linux_dirent64: the record's length at 16, the name, with a NUL behind it, at 19.
            var position = 0
            while position + 19 < filled {
                let length = Int(buffer.loadUnaligned(fromByteOffset: position + 16, as: UInt16.self))
                precondition(length > 19 && position + length <= filled, "getdents64 returned a broken record")
                let start = buffer.baseAddress! + position + 19
                let name = start.assumingMemoryBound(to: UInt8.self)
                let count = strnlen(start.assumingMemoryBound(to: CChar.self), length - 19)
                position += length
                let isDots = name[0] == UInt8(ascii: ".") && (count == 1 || (count == 2 && name[1] == name[0]))
                if !isDots { body(UnsafeBufferPointer(start: name, count: count)) }
            }
        }
    }

    /// Sets the descriptor back to the directory's first name.
    func rewind() throws(Errno) {
        let raw = descriptor.rawValue
        try systemCall { lseek(raw, 0, SEEK_SET) }
    }

    /// Reads the text of the symbolic link `name` into `buffer`.
    ///
    /// - Returns: the text's length; no longer than the buffer, which cuts what does not fit.
    func readLink(_ name: UnsafePointer<CChar>, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        let raw = descriptor.rawValue
        let start = buffer.baseAddress!.assumingMemoryBound(to: CChar.self)
        return try systemCall { readlinkat(raw, name, start, buffer.count) }
    }
}
