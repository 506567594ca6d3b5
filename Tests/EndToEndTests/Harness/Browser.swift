// Runs Debian's Chromium without a window. Tests ask it what it says of a page, and how it lays the page out.

import Foundation
import Testing

enum Browser {
    enum Scheme: String, Sendable, CaseIterable { case light, dark }

    private static let program = "chromium"

    /// Whether it is installed and starts here.
    static func isThere() async -> Bool {
        guard let outcome = try? await Program.run([program, "--version"]) else { return false }
        return outcome.exitCode == 0
    }

    /// Opens a page and returns its document, after scripts ran, and what the browser's console said.
    static func open(
        _ file: String, on bench: Workbench, scheme: Scheme = .light, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> (document: String, console: [String]) {
        let outcome = try await Program.run(
            [
                program, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
                "--hide-scrollbars",
                "--user-data-dir=\(bench["browser"])", "--enable-logging=stderr", "--virtual-time-budget=10000",
                "--blink-settings=preferredColorScheme=\(scheme == .dark ? 0 : 1)", "--window-size=1280,900",
            ] + (Machine.isRoot ? ["--no-sandbox"] : []) + ["--dump-dom", "file://\(file)"],
            timeout: .seconds(120))
        try #require(outcome.exitCode == 0, "\(outcome)", sourceLocation: sourceLocation)
        let console = outcome.errors.split(separator: "\n").map(String.init).filter { $0.contains("CONSOLE") }
        return (outcome.output, console)
    }

    /// What a page's layout was found to be.
    struct Layout: Decodable, Sendable {
        var name: String
        var width: Double
        var isDark: Bool
        /// How wide the page's content is: more than `width` would have to be scrolled sideways.
        var contentWidth: Double
        var texts: Int
        /// Texts that lie on one another, reach out of the page, or can hardly be told from their ground.
        var overlaps: [String]
        var outside: [String]
        var faint: [String]
        /// What the page asked to be loaded.
        var requests: [String]
    }

    /// Lays out each page in frames of each width. Copies are looked at, in which the page's policy lets a script measure;
    /// the pages themselves have none.
    static func layouts(
        of pages: [(name: String, html: String)], widths: [Int], scheme: Scheme, on bench: Workbench
    ) async throws -> [Layout] {
        var frames = ""
        for page in pages {
            let policy = "style-src &#39;unsafe-inline&#39;"
            try #require(page.html.contains(policy) && page.html.contains("</body>"))
            let copy = page.html.replacingOccurrences(of: policy, with: policy + "; script-src 'unsafe-inline'")
                .replacingOccurrences(of: "</body>", with: "<script>\(measuring)</script></body>")
            try bench.write(copy, to: "\(page.name).html")
            for width in widths {
                frames +=
                    "<iframe name=\"\(page.name)\" src=\"\(page.name).html\" style=\"width:\(width)px;height:800px;border:0\"></iframe>"
            }
        }
        let harness = """
            <!DOCTYPE html><html><head><meta name="color-scheme" content="light dark"></head><body><pre id="found"></pre><script>
            onmessage = e => { found.textContent += encodeURIComponent(e.data) + " " }
            </script>\(frames)</body></html>
            """
        let document = try await open(bench.write(harness, to: "harness.html"), on: bench, scheme: scheme).document
        let found = try #require(document.firstMatch(of: /<pre id="found">([^<]*)<\/pre>/), "\(document.prefix(2000))")
        return try found.1.split(separator: " ").map { word in
            let json = try #require(String(word).removingPercentEncoding)
            return try JSONDecoder().decode(Layout.self, from: Data(json.utf8))
        }
    }

    /// Runs in the page: looks at every line of text as it is laid out. Contrast is WCAG's; a text's ground is the nearest
    /// opaque colour behind it.
    private static let measuring = """
        const luminance = c => { const l = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2] };
        const parts = text => (text.match(/[0-9.]+/g) || [0, 0, 0, 0]).map(Number);
        const ground = node => { for (; node; node = node.parentElement) { const c = parts(getComputedStyle(node).backgroundColor);
          if (c.length == 3 || c[3] == 1) return c.slice(0, 3) } return [255, 255, 255] };
        const found = { name, width: innerWidth, isDark: matchMedia("(prefers-color-scheme: dark)").matches,
          contentWidth: document.documentElement.scrollWidth, texts: 0, overlaps: [], outside: [], faint: [],
          requests: performance.getEntriesByType("resource").map(e => e.name) };
        const lines = [];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          const node = walker.currentNode, element = node.parentElement;
          if (!node.data.trim() || element.closest("script, style, title") || !element.checkVisibility()) continue;
          const hidden = element.closest("thead");
          if (hidden && getComputedStyle(hidden).position == "absolute") continue;
          const range = document.createRange();
          range.selectNodeContents(node);
          const isDrawn = element.namespaceURI.endsWith("svg"), style = getComputedStyle(element);
          for (const box of range.getClientRects()) {
            if (box.width < 1) continue;
            found.texts += 1;
            lines.push({ text: node.data.trim().slice(0, 40), box });
            if (box.left < -0.5 || box.right > innerWidth + 0.5) found.outside.push(node.data.slice(0, 60));
          }
          const color = parts(isDrawn ? style.fill : style.color);
          const mark = element.closest(".mark");
          const behind = mark ? parts(getComputedStyle(mark.querySelector("circle")).fill) : ground(element);
          const [low, high] = [luminance(color), luminance(behind)].sort((a, b) => a - b);
          if ((high + 0.05) / (low + 0.05) < 4.5) found.faint.push(node.data.slice(0, 60));
        }
        lines.sort((a, b) => a.box.top - b.box.top);
        lines.forEach((one, index) => {
          for (let next = index + 1; next < lines.length && lines[next].box.top < one.box.bottom - 1.5; next++) {
            const other = lines[next].box;
            if (other.left < one.box.right - 1 && one.box.left < other.right - 1)
              found.overlaps.push(one.text + " | " + lines[next].text);
          }
        });
        parent.postMessage(JSON.stringify(found), "*");
        """
}
