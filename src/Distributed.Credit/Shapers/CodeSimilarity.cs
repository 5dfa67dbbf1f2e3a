namespace Distributed.Credit;

/// <summary>Options of <c>code-similarity</c>.</summary>
/// <param name="Alpha">Most a failed rollout can get back; 0.5 in GTPO as restated by others.</param>
/// <param name="CorrectAt">A rollout is correct if its outcome is at least this.</param>
/// <param name="ClampNegativeSimilarity">Count a negative mean cosine as 0.</param>
public sealed record CodeSimilarityOptions(double Alpha = 0.5, double CorrectAt = 1, bool ClampNegativeSimilarity = false);

/// <summary>
/// A failed rollout is paid for code that is like the correct rollouts' code: R_i + alpha * mean over the group's correct rollouts p of cos(code_i, code_p);
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
        var vectors = _embedder.Embed([.. rollouts.Select(Program)]);
        if (vectors.Count != rollouts.Length) throw new CreditException($"code-similarity: the embedder gave {vectors.Count} vectors for {rollouts.Length} programs");
        var norms = vectors.Select(vector => Math.Sqrt(Dot(vector.Span, vector.Span))).ToArray();

        var shaped = rollouts.ToBuilder();
        for (var i = 0; i < rollouts.Length; i++)
        {
            if (IsCorrect(rollouts[i])) continue;
            double sum = 0;
            for (var p = 0; p < rollouts.Length; p++)
            {
                if (!IsCorrect(rollouts[p]) || norms[i] == 0 || norms[p] == 0) continue;
                sum += Dot(vectors[i].Span, vectors[p].Span) / (norms[i] * norms[p]);
            }

            if (_options.ClampNegativeSimilarity) sum = Math.Max(0, sum);
            shaped[i] = rollouts[i] with { Outcome = rollouts[i].Outcome + _options.Alpha * sum / correct };
        }

        return group with { Rollouts = shaped.MoveToImmutable() };
    }

    private bool IsCorrect(ScoredRollout rollout) => rollout.Outcome >= _options.CorrectAt;

    private static string Program(ScoredRollout rollout) => string.Join('\n', rollout.Signals.Select(turn => turn.Code).Where(code => !string.IsNullOrEmpty(code)));

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        if (a.Length != b.Length) throw new CreditException($"code-similarity: the embedder gave vectors of {a.Length} and {b.Length} numbers; they must be of one length");
        double sum = 0;
        for (var d = 0; d < a.Length; d++) sum += a[d] * b[d];
        return sum;
    }
}
