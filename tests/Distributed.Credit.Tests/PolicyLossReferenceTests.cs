using System.Text.Json;

namespace Distributed.Credit.Tests;

public sealed class PolicyLossReferenceTests
{
    public static TheoryData<string> CaseNames() => [.. Reference.Cases("policy_losses").Select(c => c.Name())];

    public static TheoryData<string> TurnCaseNames() => [.. Reference.Cases("a2tgpo_loss").Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Clipped_ppo_matches_in_every_aggregation(string name)
    {
        var batch = new ReferenceBatch(Case("policy_losses", name));
        foreach (var (config, results) in batch.Configs())
        {
            foreach (var mode in results.GetProperty("ppo_dual_clip").EnumerateObject())
            {
                var options = Options(PolicyLossKind.PpoClip, config, Mode(mode.Name), batch.Width);
                var statistics = batch.Check(options, mode.Value, $"{name} {mode.Name}");
                var metrics = mode.Value.GetProperty("metrics");
                statistics.ClipFraction.ShouldMatch(batch.Exact(metrics.Number("pg_clipfrac")), name);
                statistics.ClipFractionLower.ShouldMatch(batch.Exact(metrics.Number("pg_clipfrac_lower")), name);
                statistics.PpoKl.ShouldMatch(batch.Exact(metrics.Number("ppo_kl")), name);
            }
        }
    }

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Gspo_and_cispo_match(string name)
    {
        var batch = new ReferenceBatch(Case("policy_losses", name));
        foreach (var (config, results) in batch.Configs())
        {
            batch.Check(Options(PolicyLossKind.Gspo, config, LossAggMode.SeqMeanTokenMean, batch.Width), results.GetProperty("gspo"),
                $"{name} gspo");
            foreach (var mode in results.GetProperty("cispo").EnumerateObject())
            {
                batch.Check(Options(PolicyLossKind.Cispo, config, Mode(mode.Name), batch.Width), mode.Value, $"{name} cispo {mode.Name}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Sapo_gmpo_and_reinforce_match(string name)
    {
        var batch = new ReferenceBatch(Case("policy_losses", name));
        foreach (var (config, results) in batch.Configs())
        {
            var sapo = Options(PolicyLossKind.Sapo, config, LossAggMode.SeqMeanTokenMean, batch.Width);
            batch.Check(sapo with { TauPos = config.Number("tau_pos"), TauNeg = config.Number("tau_neg") }, results.GetProperty("sapo"), $"{name} sapo");

            // The reference's mean over sequences counts those without trained tokens.
            var gmpo = Options(PolicyLossKind.Gmpo, config, LossAggMode.SeqMeanTokenSum, batch.Width);
            batch.Check(gmpo, results.GetProperty("gmpo_geo_mean"), $"{name} gmpo", batch.Rows / (double)batch.RowsWithTokens);
            batch.Check(Options(PolicyLossKind.Reinforce, config, LossAggMode.TokenMean, batch.Width), results.GetProperty("gpg"), $"{name} gpg");
            batch.Check(Options(PolicyLossKind.Reinforce, config, LossAggMode.SeqMeanTokenSum, batch.Width), results.GetProperty("reinforce"), $"{name} reinforce");
        }
    }

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Clip_cov_and_kl_cov_match_when_tokens_are_chosen_under_the_current_policy(string name)
    {
        var batch = new ReferenceBatch(Case("policy_losses", name));
        foreach (var (config, results) in batch.Configs())
        {
            var clip = results.GetProperty("clip_cov");
            var clipCov = Options(PolicyLossKind.ClipCov, config, LossAggMode.TokenMean, batch.Width) with
            {
                ClipCovRatio = clip.Number("clip_cov_ratio"),
                ClipCovLb = clip.Number("clip_cov_lb"),
                ClipCovUb = clip.Number("clip_cov_ub"),
            };
            batch.Check(clipCov, clip, $"{name} clip_cov");
            var kl = results.GetProperty("kl_cov");
            var klCov = Options(PolicyLossKind.KlCov, config, LossAggMode.TokenMean, batch.Width) with { KlCovRatio = kl.Number("kl_cov_ratio"), PpoKlCoef = kl.Number("ppo_kl_coef") };
            batch.Check(klCov, kl, $"{name} kl_cov");
        }
    }

    [Theory]
    [MemberData(nameof(TurnCaseNames))]
    public void The_turn_loss_matches_equations_10_to_12(string name)
    {
        var c = Case("a2tgpo_loss", name);
        var paper = c.GetProperty("paper");
        var turnIds = c.Table("turn_id");
        var batch = new ReferenceBatch(c, Spread(paper.Table("advantage_per_turn")), Spread(paper.Table("clip_scale_per_turn")), turnIds);
        var options = new PolicyLossOptions(PolicyLossKind.Turn, c.Number("cliprange_low"), c.Number("cliprange_high"));
        batch.Check(options, paper, name);

        double[][] Spread(double[][] byTurn) =>
            [.. turnIds.Select((row, i) => row.Select(turn => turn < 0 ? 0 : byTurn[i][(int)turn]).ToArray())];
    }

    [Theory]
    [MemberData(nameof(TurnCaseNames))]
    public void The_turn_loss_fed_with_the_released_codes_turns_matches_it(string name)
    {
        var c = Case("a2tgpo_loss", name);
        var code = c.GetProperty("code");
        var advantages = code.Table("advantages_tokens");

        // That code takes a run of equal advantages for a turn.
        var runs = advantages.Select(row => row.Select((_, t) => (double)Enumerable.Range(1, t).Count(k => row[k] != row[k - 1])).ToArray())
            .ToArray();
        foreach (var result in code.GetProperty("results").EnumerateArray())
        {
            var mode = Mode(result.GetProperty("loss_agg_mode").GetString()!);
            var scales = result.GetProperty("dynamic_clip").GetBoolean() ? code.Table("clip_scale_tokens") : null;
            var batch = new ReferenceBatch(c, advantages, scales, runs);
            var options = new PolicyLossOptions(PolicyLossKind.Turn, c.Number("cliprange_low"), c.Number("cliprange_high"),
                LossAggMode: mode, LossScaleFactor: batch.Width);
            batch.Check(options, result, $"{name} {mode}", mode == LossAggMode.TokenMean ? batch.Exact(1) : 1);
        }
    }

    private static JsonElement Case(string file, string name) => Reference.Cases(file).Single(c => c.Name() == name);

    private static LossAggMode Mode(string name) => name switch
    {
        "token-mean" => LossAggMode.TokenMean,
        "seq-mean-token-sum" => LossAggMode.SeqMeanTokenSum,
        "seq-mean-token-mean" => LossAggMode.SeqMeanTokenMean,
        _ => LossAggMode.SeqMeanTokenSumNorm,
    };

    private static PolicyLossOptions Options(PolicyLossKind kind, JsonElement config, LossAggMode mode, int width)
    {
        var both = config.Number("clip_ratio");
        var low = config.GetProperty("clip_ratio_low") is { ValueKind: JsonValueKind.Number } l ? l.GetDouble() : both;
        var high = config.GetProperty("clip_ratio_high") is { ValueKind: JsonValueKind.Number } h ? h.GetDouble() : both;
        return new PolicyLossOptions(kind, low, high, config.Number("clip_ratio_c"), mode, width, MeanEpsilon: 1e-8);
    }
}
