// The icons beside a verdict: a reader can tell it by its word, its colour or its shape.

enum ReportIcon {
    case check, cross, question, back, pause

    func draw(into page: inout Markup) {
        page.element(
            "svg", ["class": "icon", "viewBox": "0 0 24 24", "width": "20", "height": "20", "aria-hidden": "true"]
        ) { svg in
            switch self {
            case .check: svg.literal(#"<circle cx="12" cy="12" r="11"/><path d="M6.5 12.5l4 4 7-8"/>"#)
            case .cross:
                svg.literal(
                    #"<path class="solid" d="M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z"/><path d="M8 8l8 8M16 8l-8 8"/>"#)
            case .question:
                svg.literal(#"<path class="solid" d="M12 1.5L23.5 22.5H.5z"/><path d="M12 9v6M12 18.5v.01"/>"#)
            case .back:
                svg.literal(
                    #"<path class="solid" d="M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z"/><path d="M9.5 7L6 10.5l3.5 3.5M6.5 10.5H14a3.5 3.5 0 0 1 0 7h-3"/>"#
                )
            case .pause:
                svg.literal(#"<rect x="1.5" y="1.5" width="21" height="21" rx="4"/><path d="M9 7.5v9M15 7.5v9"/>"#)
            }
        }
    }
}
