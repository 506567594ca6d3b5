// Descriptors 0 to 2 are the standard streams, even if whoever started the program closed them: else the next file or
// pipe that is opened gets such a number, and what is printed goes into it.

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
