// The style sheet of the page. Each colour is a pair for light and dark. Text has a contrast of at least 4.5 (WCAG 2
// AA) in both, which ReportStyleTests checks. Blue stands for the old release, orange and violet for the new one.

/// The style sheet. Without `<` and `&`, so that it stands in a page of HTML and of XML alike.
let reportStyle: StaticString = """

    :root {
      color-scheme: light dark;
      --ground: #f4f5f8; --card: #ffffff; --sunken: #eef1f5; --text: #18202c; --muted: #545f72; --edge: #d7dce5;
      --grid: #e3e7ed; --link: #1f5f9e;
      --good: #166b39; --good-card: #e5f4ea; --bad: #b1231b; --bad-card: #fdebe9; --open: #7d5200; --open-card: #fdf2d9;
      --canary: #c2480c; --control: #2368ad; --flipped: #7145ac; --settle: #6b7688;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #0f131a; --card: #171d27; --sunken: #1f2733; --text: #e6eaf1; --muted: #a2adbe; --edge: #2f3948;
        --grid: #29323f; --link: #83b9f2;
        --good: #62cf8c; --good-card: #14291e; --bad: #ff8d83; --bad-card: #351b1b; --open: #efbe5e; --open-card: #30270f;
        --canary: #ff9a57; --control: #74b0f0; --flipped: #c4a3f7; --settle: #8b97a9;
      }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
    body {
      margin: 0; background: var(--ground); color: var(--text);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
      overflow-wrap: anywhere;
    }
    main, footer { max-width: 66rem; margin: 0 auto; padding: 1.5rem; }
    footer { padding-top: 0; color: var(--muted); font-size: .8125rem; }
    section, header.verdict { background: var(--card); border: 1px solid var(--edge); border-radius: 12px;
      padding: 1.25rem 1.5rem; margin: 0 0 1.25rem; }
    h1, h2, h3, h4, p, ul, ol, dl, dd, figure, pre { margin: 0; padding: 0; }
    h2 { font-size: 1.25rem; line-height: 1.3; margin-bottom: .75rem; }
    h3 { font-size: 1.0625rem; line-height: 1.35; }
    ul, ol { list-style: none; }
    a { color: var(--link); text-underline-offset: .15em; }
    code, .names { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
      font-size: .875em; }
    pre { background: var(--sunken); border-radius: 8px; padding: .75rem 1rem; white-space: pre-wrap; }
    .caption, .remark { color: var(--muted); font-size: .875rem; }
    .number { font-variant-numeric: tabular-nums; }
    .desk { display: inline; }
    summary { cursor: pointer; color: var(--link); width: fit-content; padding: .25rem 0; }
    summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }

    .icon { flex: none; fill: currentColor; stroke: currentColor; stroke-width: 0; stroke-linecap: round;
      stroke-linejoin: round; vertical-align: -.2em; }
    .icon path:not(.solid) { fill: none; stroke: var(--icon-line, var(--card)); stroke-width: 2.6; }
    .good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
    .idle { color: var(--muted); }

    header.verdict { border-left-width: 8px; border-left-color: currentColor; padding: 1.5rem; }
    header.good { background: var(--good-card); --icon-line: var(--good-card); }
    header.bad { background: var(--bad-card); --icon-line: var(--bad-card); }
    header.open { background: var(--open-card); --icon-line: var(--open-card); }
    h1 { display: flex; align-items: center; gap: .75rem; font-size: 2.25rem; line-height: 1.2; letter-spacing: -.01em; }
    h1 .icon { width: 2.5rem; height: 2.5rem; }
    .about, .sentence, .facts { color: var(--text); }
    .about { font-size: .875rem; margin-bottom: .5rem; }
    .sentence { font-size: 1.1875rem; line-height: 1.45; margin-top: .75rem; max-width: 52rem; }
    .facts { display: grid; grid-template-columns: repeat(3, minmax(0, max-content)); gap: .75rem 3rem; margin-top: 1.25rem; }
    .facts dt { font-size: .8125rem; } .facts dd { font-weight: 600; font-variant-numeric: tabular-nums; }

    .explanation .lead { max-width: 54rem; margin-bottom: .5rem; }
    .words { display: grid; grid-template-columns: 7rem 1fr; gap: .375rem 1rem; padding-top: .5rem; max-width: 54rem; }
    .words dt { font-weight: 600; }

    .chip { display: inline-flex; align-items: baseline; gap: .375rem; font-weight: 600; }
    .chip .icon { width: 1.125rem; height: 1.125rem; align-self: center; }
    table { border-collapse: collapse; width: 100%; margin-top: .5rem; }
    th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--grid); vertical-align: baseline; }
    thead th { border-top: 0; font-size: .8125rem; font-weight: 400; color: var(--muted); }
    .glance .remark { display: block; } .glance .number .remark { white-space: nowrap; }
    tbody th { font-weight: 600; }
    th.number, td.number { text-align: right; padding-right: 0; padding-left: .75rem; }
    .row-bad { background: var(--bad-card); box-shadow: -.625rem 0 0 var(--bad-card), .625rem 0 0 var(--bad-card);
      --icon-line: var(--bad-card); }
    .comparisons { margin-top: 1rem; border-top: 1px solid var(--edge); }
    .comparisons li { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem .75rem; padding-top: .75rem; }
    .comparisons li > span:last-child { flex: 1 1 24rem; }

    .metric-bad { border-left: 8px solid var(--bad); } .metric-open { border-left: 8px solid var(--open); }
    .metric h3 { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .75rem; margin-bottom: .75rem; }
    .metric-kind { font-weight: 400; font-size: .875rem; color: var(--muted); }
    .metric-body { display: grid; grid-template-columns: minmax(0, 1fr) 15rem; gap: 1.75rem; }
    figure { padding-left: 2.875rem; }
    .plot { display: block; font-size: 11.5px; }
    .plot text { fill: var(--muted); font-variant-numeric: tabular-nums; }
    .plot svg path { vector-effect: non-scaling-stroke; fill: none; stroke-linecap: round; stroke-linejoin: round; }
    .grid { stroke: var(--grid); } .zero, .axis { stroke: var(--muted); }
    .zone { fill: var(--sunken); stroke: var(--card); stroke-width: 2; }
    .plot text.zone-name { fill: var(--text); }
    rect.settle { fill: var(--settle); fill-opacity: .16; }
    .control { color: var(--control); } .canary { color: var(--canary); } .flipped { color: var(--flipped); }
    .plot svg .band { fill: currentColor; fill-opacity: .17; stroke: none; }
    .plot svg .flipped.band { fill-opacity: .12; }
    .plot svg .middle { stroke: currentColor; stroke-width: 1.75; }
    .plot svg .canary.middle { stroke-width: 2.75; }
    .plot svg .flipped.middle { stroke-dasharray: 6 3; }
    .plot svg .one { stroke: currentColor; stroke-width: 1; stroke-opacity: .55; }
    .mark line { stroke: var(--text); stroke-width: 1.25; stroke-dasharray: 3 3; }
    .mark circle { fill: var(--text); stroke: var(--card); stroke-width: 2; }
    .plot .mark text { fill: var(--card); font-weight: 700; font-size: 11px; }
    .mark.rollback line { stroke: var(--bad); stroke-dasharray: none; } .mark.rollback circle { fill: var(--bad); }
    .reading { fill: transparent; } .reading:hover { fill: var(--text); fill-opacity: .08; }
    figcaption { margin: .25rem 0 0 -2.875rem; font-size: .8125rem; color: var(--muted); }
    .legend, .marks { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-bottom: .25rem; }
    .legend li, .marks li { display: flex; align-items: center; gap: .4375rem; }
    .swatch { flex: none; width: 1.375rem; height: .75rem; border-radius: 2px; position: relative;
      background: color-mix(in srgb, currentColor 20%, transparent); }
    .swatch::after { content: ""; position: absolute; left: 0; right: 0; top: 50%; margin-top: -1.5px;
      border-top: 3px solid currentColor; }
    .swatch.flipped::after { border-top-style: dashed; }
    .swatch.settle { background: var(--settle); opacity: .35; } .swatch.settle::after { display: none; }
    .badge { flex: none; width: 1.125rem; height: 1.125rem; border-radius: 50%; background: var(--text);
      color: var(--card); font-size: .6875rem; font-weight: 700; line-height: 1.125rem; text-align: center; }
    .badge.rollback { background: var(--bad); }
    figcaption summary { font-size: .8125rem; } figcaption table { margin: 0; color: var(--text); }
    .numbers th, .numbers td { padding-top: .125rem; padding-bottom: .125rem; }
    .findings { display: flex; flex-direction: column; gap: 1rem; font-size: .875rem; }
    .stacked { grid-template-columns: minmax(0, 1fr); gap: 1rem; }
    .stacked .findings { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: 1rem 1.5rem; }
    :not(.stacked) > .findings > .finding + .finding { border-top: 1px solid var(--edge); padding-top: 1rem; }
    .finding h4 { font-size: .875rem; font-weight: 400; color: var(--muted); }
    .finding dl { display: grid; grid-template-columns: 4.75rem 1fr; gap: .125rem .5rem; margin-top: .375rem; }
    .finding dt { color: var(--muted); } .finding dd { font-variant-numeric: tabular-nums; }
    .finding dd .remark { display: block; font-size: .8125rem; }
    .finding .note { margin-top: .375rem; }

    .phases { display: grid; gap: 1rem; margin-bottom: .75rem; }
    .phases li { display: grid; grid-template-columns: 15rem 9.5rem minmax(0, 1fr); gap: 0 1rem; align-items: center; }
    .phase-name { font-weight: 600; }
    .phase-time { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; font-size: .875rem;
      color: var(--muted); gap: .75rem; white-space: nowrap; }
    .phases p { grid-column: 2 / -1; font-size: .9375rem; }
    .bar { display: block; overflow: visible; }
    .track { fill: var(--sunken); }
    .span { fill: var(--settle); stroke: var(--settle); stroke-width: 2; stroke-linejoin: round; }
    .span.baseline, .span.window, .span.watch { fill: var(--control); stroke: var(--control); }
    .span.flip { fill: var(--canary); stroke: var(--canary); } .span.rollback { fill: var(--bad); stroke: var(--bad); }

    .troubles { display: grid; gap: .75rem; background: var(--bad-card); --icon-line: var(--bad-card); border-radius: 8px;
      padding: .75rem 1rem; margin-bottom: 1.25rem; }
    .troubles li { display: flex; gap: .625rem; } .troubles .icon { color: var(--bad); margin-top: .125rem; }
    .troubles div { min-width: 0; }
    .group + .group { border-top: 1px solid var(--edge); margin-top: 1rem; padding-top: 1rem; }
    .count { font-weight: 400; color: var(--muted); }
    .group .names { margin: .25rem 0; }
    .host-table { font-size: .875rem; } .host-table th, .host-table td { padding-top: .3125rem; padding-bottom: .3125rem; }

    .settings dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: .75rem 1.5rem;
      margin: .75rem 0 1.25rem; }
    .settings dt { font-size: .8125rem; color: var(--muted); } .settings dd .remark { display: block; }
    .settings p { margin-bottom: .5rem; }

    @media (max-width: 54rem) { .metric-body { grid-template-columns: minmax(0, 1fr); gap: 1rem; }
      .findings { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: 1rem 1.5rem; }
      :not(.stacked) > .findings > .finding + .finding { border-top: 0; padding-top: 0; } }
    @media (max-width: 40rem) {
      body { font-size: 15px; }
      main, footer { padding: .75rem; } footer { padding-top: 0; }
      section, header.verdict { padding: 1rem; margin-bottom: .75rem; }
      .desk { display: none; }
      h1 { font-size: 1.75rem; } h1 .icon { width: 2rem; height: 2rem; }
      .sentence { font-size: 1.0625rem; }
      .facts { grid-template-columns: 1fr 1fr; gap: .625rem 1rem; }
      .words { grid-template-columns: 1fr; gap: 0; } .words dd { margin-bottom: .5rem; }
      .glance thead, .host-table thead { position: absolute; width: 1px; height: 1px; overflow: hidden;
        clip-path: inset(50%); }
      .glance tbody, .host-table tbody { display: block; }
      .glance tr { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: .125rem 1rem; padding: .625rem 0;
        border-top: 1px solid var(--grid); }
      .host-table tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1rem; padding: .375rem 0;
        border-top: 1px solid var(--grid); }
      .glance th, .glance td, .host-table th, .host-table td { border: 0; padding: 0; }
      .glance td.found { justify-self: end; } .host-table th { grid-column: 1 / -1; }
      .glance td.number, .host-table td.number { display: flex; justify-content: space-between; gap: .5rem; padding: 0;
        font-size: .875rem; }
      .glance td.number { flex-wrap: wrap; row-gap: 0; } .glance td.number .remark { flex: 1 0 100%; text-align: right; }
      td[data-label]::before { content: attr(data-label); color: var(--muted); white-space: nowrap; }
      .settings dl { grid-template-columns: 1fr 1fr; } figure { padding-right: .375rem; }
      .comparisons li > span:last-child { flex-basis: 100%; }
      .phases li { grid-template-columns: 1fr auto; gap: .25rem .75rem; }
      .phases .bar, .phases p { grid-column: 1 / -1; }
    }
    @media print {
      :root { --ground: #fff; }
      body { font-size: 10pt; } main, footer { max-width: none; padding: 0; }
      section, header.verdict { break-inside: avoid; }
      section.hosts { break-inside: auto; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      details::details-content { content-visibility: visible; display: block; height: auto; }
      summary, figcaption details { display: none; }
    }
    @media (forced-colors: active) { .plot svg .band { fill-opacity: .3; } .chip, .swatch { forced-color-adjust: none; } }

    """
