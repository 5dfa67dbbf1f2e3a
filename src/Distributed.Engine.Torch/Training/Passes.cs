using Distributed.Engine.Torch.Model;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Torch.Training;

/// <summary>Deals things of different lengths out to passes of a bounded size, padding included. The longest come first, so that neighbours are of one length.</summary>
internal static class Passes
{
    /// <summary>Passes over sequences, each with the indices of its sequences in order.</summary>
    public static IEnumerable<(PackedPass Pass, IReadOnlyList<int> Members)> Of(IReadOnlyList<TrainSequence> sequences, int most) =>
        Of(sequences.Count, index => SequenceRows.Of(sequences[index]), (pass, index) => pass.Add(sequences[index]), most);

    /// <summary>Passes over anything.</summary>
    /// <param name="count">How many things.</param>
    /// <param name="rowsOf">Rows of each; one of 0 rows is a member of a pass and adds nothing to it.</param>
    /// <param name="add">Adds a thing to a pass.</param>
    /// <param name="most">Most rows of a pass, padding included; a longer thing goes alone.</param>
    public static IEnumerable<(PackedPass Pass, IReadOnlyList<int> Members)> Of(int count, Func<int, int> rowsOf, Action<PackedPass, int> add, int most)
    {
        var order = Enumerable.Range(0, count).OrderByDescending(rowsOf).ThenBy(index => index).ToArray();
        for (var first = 0; first < order.Length;)
        {
            var (pass, members) = (new PackedPass(), new List<int>());
            var longest = rowsOf(order[first]);
            for (; first < order.Length && (members.Count == 0 || (long)longest * (pass.Units.Count + 1) <= most); first++)
            {
                members.Add(order[first]);
                if (rowsOf(order[first]) > 0)
                    add(pass, order[first]);
            }

            yield return (pass, members);
        }
    }
}
