// The first two derivatives of ln Γ: mean and variance of the logarithm of a χ² variable. HostUnrest compares the
// hosts' variances by them.

import Glibc

/// ψ(x) for x > 0: its recurrence up to 10, then its asymptotic series (NIST DLMF 5.5.2, 5.11.2).
func digamma(_ x: Double) -> Double {
    var x = x
    var sum = 0.0
    while x < 10 {
        sum -= 1 / x
        x += 1
    }
    let s = 1 / (x * x)
    let inner = 1.0 / 252 - s * (1.0 / 240 - s * (1.0 / 132 - s * 691.0 / 32_760))
    let series = s * (1.0 / 12 - s * (1.0 / 120 - s * inner))
    return sum + log(x) - 0.5 / x - series
}

/// ψ′(x) for x > 0, in the same way (NIST DLMF 5.15.5, 5.15.8).
func trigamma(_ x: Double) -> Double {
    var x = x
    var sum = 0.0
    while x < 10 {
        sum += 1 / (x * x)
        x += 1
    }
    let s = 1 / (x * x)
    let inner = 1.0 / 42 - s * (1.0 / 30 - s * (5.0 / 66 - s * 691.0 / 2730))
    let series = s * (1.0 / 6 - s * (1.0 / 30 - s * inner))
    return sum + 1 / x + 0.5 * s + series / x
}

/// The x > 0 with ψ′(x) = `value` > 0, by bisection over ln x.
func inverseTrigamma(_ value: Double) -> Double {
    // 1/x < ψ′(x) < 1/x + 1/x².
    var low = 1 / value
    var high = (1 + (1 + 4 * value).squareRoot()) / (2 * value)
    for _ in 0..<50 {
        let middle = (low * high).squareRoot()
        if trigamma(middle) > value { low = middle } else { high = middle }
    }
    return (low * high).squareRoot()
}
