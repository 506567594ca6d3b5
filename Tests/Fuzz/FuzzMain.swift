// The fuzzers' one program: libFuzzer calls it with one input after the other. Which decoder gets them is the name that
// the program was started by (`fuzz-manifest`), so that all targets are built and linked once. scripts/fuzz builds it.

import Glibc
import SystemPackage

@testable import SlotSync

/// All decoders that read what somebody else wrote.
let allTargets: [FuzzTarget] =
    wireTargets + manifestTargets + slotTargets + deltaTargets + patchTargets + hostTargets + textTargets
    + readingTargets + configurationTargets + canaryTargets + cacheTargets

private let target: FuzzTarget = {
    let name = FilePath(CommandLine.arguments[0]).lastComponent?.string ?? ""
    guard let target = allTargets.first(where: { name == "fuzz-\($0.name)" }) else {
        fatalError("no target is called \(name): \(allTargets.map(\.name).joined(separator: " "))")
    }
    return target
}()

/// With FUZZ_WRITE=FOLDER the program writes there what all targets begin with, and ends.
@_cdecl("LLVMFuzzerInitialize")
public func initializeFuzzer(
    _: UnsafeMutablePointer<CInt>, _: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    guard let folder = getenv("FUZZ_WRITE") else { return 0 }
    do { for target in allTargets { try target.write(below: FilePath(String(cString: folder))) } } catch {
        fatalError("the seeds cannot be written: \(error)")
    }
    exit(0)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let isAccepted = target.run(Array(UnsafeBufferPointer(start: data, count: count)))
    // A seed that the decoder refuses shows nothing of it: the format has changed, and the seeds have not.
    if !isAccepted, getenv("FUZZ_SEEDS") != nil, count > 0 { fatalError("the seed is refused") }
    return 0
}
