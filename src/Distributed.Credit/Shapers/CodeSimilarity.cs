using System.Numerics;
using System.Runtime.InteropServices;

namespace Distributed.Credit;

/// <summary>Options of <c>code-similarity</c>.</summary>
/// <param name="Alpha">Most a failed rollout can get back; 0.5 in GTPO as restated by others.</param>
/// <param name="CorrectAt">A rollout is correct if its outcome is at least this.</param>
/// <param name="ClampNegativeSimilarity">Count a negative mean cosine as 0.</param>
public sealed record CodeSimilarityOptions(double Alpha = 0.5, double CorrectAt = 1, bool ClampNegativeSimilarity = false);

/// <summary>
/// A failed rollout is paid for code that is like the correct rollouts' code: R_i + alpha * mean over the group's correct rollouts p of
/// cos(code_i, code_p);
/// nothing if no rollout is correct. From GTPO (2511.14846), second-hand: the paper's body could not be read.
/// </summary>
public sealed class CodeSimilarity : IRewardShaper
{
    private readonly CodeSimilarityOptions _options;
    private readonly ICodeEmbedder _embedder;

    /// <summary>A shaper with these options.</summary>
    /// <param name="options">Options.</param>
    /// <param name="embedder">How programs become vectors; null: hashed n-grams.</param>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public CodeSimilarity(CodeSimilarityOptions options, ICodeEmbedder? embedder = null)
    {
        OptionRange.AtLeast("code-similarity", "alpha", options.Alpha, 0);
        OptionRange.Finite("code-similarity", "correct_at", options.CorrectAt);
        _options = options;
        _embedder = embedder ?? new HashedNgramEmbedder();
    }

    /// <inheritdoc/>
    public string Name => "code-similarity";

    /// <inheritdoc/>
    public ScoredGroup Shape(ScoredGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        var rollouts = group.Rollouts;
        var correct = rollouts.Count(IsCorrect);
        if (correct == 0 || correct == rollouts.Length) return group;
        string[] programs = [.. rollouts.Select(Program)];
        if (programs.All(program => program.Length == 0)) return group;
        var vectors = _embedder.Embed(programs);
        Check(vectors, rollouts.Length);

        // The sum of cosines to the correct programs is one product with the sum of their unit vectors.
        var likeness = new double[vectors[0].Length];
        for (var p = 0; p < rollouts.Length; p++)
        {
            if (IsCorrect(rollouts[p])) AddUnit(likeness, vectors[p].Span);
        }

        var shaped = rollouts.ToBuilder();
        for (var i = 0; i < rollouts.Length; i++)
        {
            if (IsCorrect(rollouts[i])) continue;
            var norm = Norm(vectors[i].Span);
            var sum = norm == 0 ? 0 : Dot(vectors[i].Span, likeness) / norm;
            if (_options.ClampNegativeSimilarity) sum = Math.Max(0, sum);
            shaped[i] = rollouts[i] with { Outcome = rollouts[i].Outcome + _options.Alpha * sum / correct };
        }

        return group with { Rollouts = shaped.MoveToImmutable() };
    }

    private bool IsCorrect(ScoredRollout rollout) => rollout.Outcome >= _options.CorrectAt;

    private static string Program(ScoredRollout rollout) =>
        string.Join('\n', rollout.Signals.Select(turn => turn.Code).Where(code => !string.IsNullOrEmpty(code)));

    private static void Check(IReadOnlyList<ReadOnlyMemory<double>> vectors, int programs)
    {
        if (vectors.Count != programs)
            throw new CreditException($"code-similarity: the embedder gave {vectors.Count} vectors for {programs} programs");
        foreach (var vector in vectors)
        {
            if (vector.Length != vectors[0].Length)
                throw new CreditException($"code-similarity: the embedder gave vectors of {vectors[0].Length} and {vector.Length} numbers; they must be of one length");
        }
    }

    private static void AddUnit(double[] sum, ReadOnlySpan<double> vector)
    {
        var norm = Norm(vector);
        if (norm == 0) return;
        var inverse = 1 / norm;
        var to = MemoryMarshal.Cast<double, Vector<double>>(sum.AsSpan());
        var from = MemoryMarshal.Cast<double, Vector<double>>(vector);
        for (var v = 0; v < from.Length; v++) to[v] += from[v] * inverse;
        for (var d = from.Length * Vector<double>.Count; d < sum.Length; d++) sum[d] += vector[d] * inverse;
    }

    private static double Norm(ReadOnlySpan<double> vector) => Math.Sqrt(Dot(vector, vector));

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var left = MemoryMarshal.Cast<double, Vector<double>>(a);
        var right = MemoryMarshal.Cast<double, Vector<double>>(b);
        var sums = Vector<double>.Zero;
        for (var v = 0; v < left.Length; v++) sums += left[v] * right[v];
        var sum = Vector.Sum(sums);
        for (var d = left.Length * Vector<double>.Count; d < a.Length; d++) sum += a[d] * b[d];
        return sum;
    }
}
