using System.Globalization;
using Distributed.Protocol;

namespace Distributed.Node.Composition;

/// <summary>What became of a run's rollouts, as a line.</summary>
internal static class Accounting
{
    /// <summary>Planned = trained + dropped (by reason) + open.</summary>
    public static string Line(LedgerTotals totals, long open)
    {
        var dropped = totals.Dropped.Count == 0 ? "0" : string.Create(CultureInfo.InvariantCulture,
            $"{totals.Dropped.Values.Sum()} ({string.Join(", ", totals.Dropped.Select(reason => string.Create(CultureInfo.InvariantCulture, $"{reason.Value} {reason.Key}")))})");
        return string.Create(CultureInfo.InvariantCulture, $"rollouts: {totals.Planned} planned = {totals.Trained} trained + {dropped} dropped + {open} open");
    }
}
