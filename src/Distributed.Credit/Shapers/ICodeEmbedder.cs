using System.Numerics;

namespace Distributed.Credit;

/// <summary>Turns programs into vectors whose cosine says how alike they are.</summary>
public interface ICodeEmbedder
{
    /// <summary>One vector per program, all of one length; an empty program's vector is zero.</summary>
    /// <param name="programs">The programs of one group's rollouts, in order.</param>
    IReadOnlyList<ReadOnlyMemory<double>> Embed(IReadOnlyList<string> programs);
}

/// <summary>
/// Hashed character n-grams weighted by TF-IDF within the group: tf * (log((1 + n) / (1 + df)) + 1). Deterministic, needs no model.
/// </summary>
/// <param name="shortest">Shortest n-gram.</param>
/// <param name="longest">Longest n-gram.</param>
/// <param name="dimensions">Length of the vectors.</param>
public sealed class HashedNgramEmbedder(int shortest = 3, int longest = 5, int dimensions = 1024) : ICodeEmbedder
{
    /// <inheritdoc/>
    public IReadOnlyList<ReadOnlyMemory<double>> Embed(IReadOnlyList<string> programs)
    {
        ArgumentNullException.ThrowIfNull(programs);
        var vectors = new double[programs.Count][];
        var documents = new int[dimensions];
        var (seen, ends) = (new List<int>(), new int[programs.Count]); // which numbers of each vector are not zero
        for (var p = 0; p < vectors.Length; p++)
        {
            vectors[p] = Count(programs[p], documents, seen);
            ends[p] = seen.Count;
        }

        double[] rarity = [.. Enumerable.Range(0, vectors.Length + 1).Select(count => Math.Log((1.0 + vectors.Length) / (1 + count)) + 1)];
        for (int p = 0, at = 0; p < vectors.Length; p++)
        {
            for (; at < ends[p]; at++) vectors[p][seen[at]] *= rarity[documents[seen[at]]];
        }

        return [.. vectors.Select(vector => new ReadOnlyMemory<double>(vector))];
    }

    // How often each n-gram occurs; documents grows by one at each that does, and its place is noted.
    private double[] Count(string program, int[] documents, List<int> seen)
    {
        var counts = new double[dimensions];
        var powerOfTwo = BitOperations.IsPow2(dimensions);
        for (var start = 0; start < program.Length; start++)
        {
            var hash = 2166136261u;
            var end = Math.Min(program.Length, start + longest);
            for (var at = start; at < end; at++)
            {
                hash = (hash ^ program[at]) * 16777619u;
                if (at - start + 1 < shortest) continue;
                var index = (int)(powerOfTwo ? hash & (uint)(dimensions - 1) : hash % (uint)dimensions); // the same, without a division
                if (counts[index]++ != 0) continue;
                documents[index]++;
                seen.Add(index);
            }
        }

        return counts;
    }
}
