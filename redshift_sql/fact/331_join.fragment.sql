left join {f}_{r}_windows as {r}_window
    on {pair: l.# = {r}_window.@ | and}
    and ({r}_window._number = 1 or {r}_window.effective_from <= l.{event})
    and ({r}_window._until is null or {r}_window._until > l.{event})
