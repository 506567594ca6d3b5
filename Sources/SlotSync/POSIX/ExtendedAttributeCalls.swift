// Extended attributes of open files and directories, call by call: names, one value, setting and removing one. Which of
// them a release carries is in Tree/ExtendedAttributes; it reads with these, and ExtendedAttributeSetting sets.

import CSystemCalls
import SystemPackage

/// Where names and values are read to: the largest that Linux has fit.
struct ExtendedAttributeBuffer: ~Copyable {
    fileprivate let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    deinit { bytes.deallocate() }
}

extension FileDescriptor {
    /// The names of all attributes that this process may know of; none where the file system has no attributes. The
    /// corresponding C function is `flistxattr`.
    func attributeNames(_ buffer: borrowing ExtendedAttributeBuffer) throws(Errno) -> [[UInt8]] {
        let (raw, bytes) = (rawValue, buffer.bytes)
        let length: Int
        do { length = try systemCall { ss_list_open_attributes(raw, bytes.baseAddress, bytes.count) } } catch {
            if error == .notSupported { return [] }
            throw error
        }
        return length == 0 ? [] : bytes[..<length].split(separator: 0).map { Array($0) }
    }

    /// The value of one; nil where it is not there. The corresponding C function is `fgetxattr`.
    func attribute(_ name: [UInt8], _ buffer: borrowing ExtendedAttributeBuffer) throws(Errno) -> [UInt8]? {
        let (raw, bytes) = (rawValue, buffer.bytes)
        do {
            let length = try withCString(name) { (name) throws(Errno) in
                try systemCall { ss_open_attribute(raw, name, bytes.baseAddress, bytes.count) }
            }
            return Array(bytes[..<length])
        } catch {
            if error == .noData || error == .notSupported { return nil }
            throw error
        }
    }

    /// The corresponding C function is `fsetxattr`.
    func setAttribute(_ name: [UInt8], to value: [UInt8]) throws(Errno) {
        let raw = rawValue
        try withCString(name) { (name) throws(Errno) in
            try systemCall { ss_set_open_attribute(raw, name, value, value.count) }
        }
    }

    /// One that is not there is no error. The corresponding C function is `fremovexattr`.
    func removeAttribute(_ name: [UInt8]) throws(Errno) {
        let raw = rawValue
        do {
            try withCString(name) { (name) throws(Errno) in try systemCall { ss_remove_open_attribute(raw, name) } }
        } catch { if error != .noData { throw error } }
    }
}

/// What follows the name's bytes is the NUL that ends them.
private func withCString<T>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) throws(Errno) -> T) throws(Errno) -> T {
    try body(name.map { CChar(bitPattern: $0) } + [0])
}
