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
        for (var p = 0; p < vectors.Length; p++)
        {
            vectors[p] = Count(programs[p]);
            for (var d = 0; d < dimensions; d++)
            {
                if (vectors[p][d] > 0) documents[d]++;
            }
        }

        var rarity = Array.ConvertAll(documents, count => Math.Log((1.0 + vectors.Length) / (1 + count)) + 1);
        foreach (var vector in vectors)
        {
            for (var d = 0; d < dimensions; d++) vector[d] *= rarity[d];
        }

        return [.. vectors.Select(vector => new ReadOnlyMemory<double>(vector))];
    }

    private double[] Count(string program)
    {
        var counts = new double[dimensions];
        for (var start = 0; start < program.Length; start++)
        {
            var hash = 2166136261u;
            var end = Math.Min(program.Length, start + longest);
            for (var at = start; at < end; at++)
            {
                hash = (hash ^ program[at]) * 16777619u;
                if (at - start + 1 >= shortest) counts[hash % (uint)dimensions]++;
            }
        }

        return counts;
    }
}
