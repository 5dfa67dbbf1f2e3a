using System.Text.Json;

namespace Distributed.Credit.Tests;

/// <summary>A padded reference batch as loss sequences of trained tokens only, compared by loss and gradient.</summary>
internal sealed class ReferenceBatch
{
    private readonly JsonElement _case;
    private readonly bool[][] _mask;
    private readonly double[][] _logProbs;
    private readonly LossSequence[] _sequences;

    public ReferenceBatch(JsonElement c, double[][]? advantages = null, double[][]? clipScales = null, double[][]? turnIds = null)
    {
        _case = c;
        _mask = c.Mask(c.TryGetProperty("response_mask", out _) ? "response_mask" : "loss_mask");
        _logProbs = Masked(c.Table("log_prob"));
        var old = Masked(c.Table("old_log_prob"));
        var own = Masked(advantages ?? c.Table("advantages"));
        var scales = clipScales is null ? null : Masked(clipScales);
        var turns = turnIds is null ? null : Masked(turnIds);
        var weights = c.TryGetProperty("rollout_is_weights", out var given) ? Masked(given.Table()) : null;
        _sequences = new LossSequence[old.Length];
        for (var i = 0; i < old.Length; i++)
        {
            int[] ids = turns is null ? new int[old[i].Length] : [.. turns[i].Select(turn => (int)turn)];
            _sequences[i] = new LossSequence(old[i], own[i], ids, scales?[i], weights?[i]);
        }
    }

    /// <summary>Width of the padded batch, the reference's default divisor.</summary>
    public int Width => _mask[0].Length;

    public int Rows => _mask.Length;

    public int RowsWithTokens => _mask.Count(row => row.Any(set => set));

    private int Tokens => _mask.Sum(row => row.Count(set => set));

    public IEnumerable<(JsonElement Config, JsonElement Results)> Configs() =>
        _case.GetProperty("results").EnumerateObject().Select(result => (result.Value.GetProperty("config"), result.Value));

    /// <summary>Undoes the reference's mean over (count + 1e-8).</summary>
    public double Exact(double mean) => mean * (Tokens + 1e-8) / Tokens;

    public LossStatistics Check(PolicyLossOptions options, JsonElement expected, string what, double scale = 1)
    {
        var loss = new PolicyLoss(options, _sequences, selectionLogProbs: [.. _logProbs.Select(row => new ReadOnlyMemory<double>(row))]);
        double total = 0;
        var gradients = expected.Table("grad_log_prob");
        for (var i = 0; i < _sequences.Length; i++)
        {
            var gradient = new double[_logProbs[i].Length];
            total += loss.Evaluate(i, _logProbs[i], gradient);
            gradient.ShouldMatch([.. gradients[i].Where(_mask[i]).Select(value => value * scale)], $"{what} gradient {i}");
        }

        total.ShouldMatch(expected.Number("loss") * scale, $"{what} loss");
        return loss.Statistics();
    }

    private double[][] Masked(double[][] rows) => [.. rows.Select((row, i) => row.Where(_mask[i]))];
}
