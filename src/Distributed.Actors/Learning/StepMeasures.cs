using Distributed.Credit;
using Distributed.Ports;

namespace Distributed.Actors.Learning;

/// <summary>Gathers a step's training metrics over its mini-batches.</summary>
public sealed class StepMeasures
{
    private double _loss;
    private double _gradNorm;
    private double _entropy;
    private double _clipped;
    private double _referenceKl;
    private long _tokens;
    private int _parts;
    private OffPolicyMetrics? _mismatch;
    private Rejection? _rejection;

    /// <summary>Adds an update.</summary>
    public void Add(MiniBatch part, TrainReply reply)
    {
        var statistics = part.Statistics;
        _parts++;
        _loss += reply.Loss;
        _gradNorm += reply.GradNorm;
        _entropy += reply.Entropy * statistics.Tokens;
        _clipped += statistics.ClipFraction * statistics.Tokens;
        _referenceKl += statistics.ReferenceKl * statistics.Tokens;
        _tokens += statistics.Tokens;
    }

    /// <summary>Adds how far the sampling policy is from the trained one.</summary>
    public void AddMismatch(OffPolicyMetrics metrics) => _mismatch = metrics;

    /// <summary>Adds what was rejected for being too far off-policy.</summary>
    public void AddRejection(Rejection rejection) => _rejection = rejection;

    /// <summary>All metrics of the step: those of its batch and those of its training (means over updates, or over trained tokens).</summary>
    public IReadOnlyDictionary<string, double> Finish(IReadOnlyDictionary<string, double> batch, double learningRate)
    {
        double tokens = Math.Max(1, _tokens), parts = Math.Max(1, _parts);
        var metrics = new Dictionary<string, double>(batch)
        {
            ["loss"] = _loss / parts,
            ["grad_norm"] = _gradNorm / parts,
            ["entropy"] = _entropy / tokens,
            ["clip_fraction"] = _clipped / tokens,
            ["reference_kl"] = _referenceKl / tokens,
            ["train/tokens"] = _tokens,
            ["train_rollout_logprob_abs_diff"] = _mismatch?.TrainRolloutLogprobAbsDiff ?? 0,
            ["mismatch_kl"] = _mismatch?.MismatchKl ?? 0,
            ["lr"] = learningRate,
        };
        if (_rejection is { } rejection)
        {
            metrics["rollout_rs/rejected_tokens"] = rejection.RejectedTokens;
            metrics["rollout_rs/rejected_sequences"] = rejection.RejectedSequences;
        }

        return metrics;
    }
}
