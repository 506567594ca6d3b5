// Keeps descriptors 0 to 2 open. A caller may have closed them; then the next file that is opened would get such a
// number, and what the program prints would go into that file.

import Glibc

enum StandardStreams {
    /// Opens /dev/null for each stream that is closed. To be called before anything else is opened.
    static func keepOpen() {
        // open(2) takes the lowest free number.
        while true {
            let descriptor = open("/dev/null", O_RDWR)
            guard descriptor > STDERR_FILENO else {
                if descriptor < 0 { return }
                continue
            }
            close(descriptor)
            return
        }
    }
}
