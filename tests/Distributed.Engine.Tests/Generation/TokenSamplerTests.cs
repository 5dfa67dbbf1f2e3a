using Distributed.Engine.Generation;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Generation;

public sealed class TokenSamplerTests
{
    private static float[] Logits(int seed, int count, double spread = 3)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(spread * (random.NextDouble() - 0.5)))];
    }

    /// <summary>The distribution by the book, in float64: temperature, then top-k, then top-p over what is left, then min-p.</summary>
    private static double[] Distribution(float[] logits, SamplingOptions sampling)
    {
        var order = Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ThenBy(i => i).ToArray();
        var weights = logits.Select(logit => Math.Exp(((double)logit - logits[order[0]]) / sampling.Temperature)).ToArray();
        var kept = order.Take(sampling.TopK > 0 ? sampling.TopK : logits.Length).ToList();
        var needed = sampling.TopP * kept.Sum(i => weights[i]);
        var mass = 0.0;
        var nucleus = sampling.TopP >= 1 ? kept : kept.TakeWhile(i =>
        {
            var goesOn = mass < needed;
            mass += weights[i];
            return goesOn;
        }).ToList();
        nucleus.RemoveAll(i => weights[i] < sampling.MinP * weights[order[0]]);
        var total = nucleus.Sum(i => weights[i]);
        return [.. Enumerable.Range(0, logits.Length).Select(i => nucleus.Contains(i) ? weights[i] / total : 0)];
    }

    [Theory]
    [InlineData(1f, 0, 1f, 37)]
    [InlineData(0.7f, 0, 1f, 400)]
    [InlineData(1f, 0, 1f, 2000)]
    [InlineData(1f, 0, 1f, 64)]
    [InlineData(1f, 0, 1f, 129)]
    [InlineData(1f, 0, 1f, 400, 0.2f)]
    [InlineData(0.6f, 0, 1f, 37, 0.05f)]
    [InlineData(1.3f, 12, 0.95f, 100, 0.5f)]
    [InlineData(1f, 0, 0.9f, 500, 0.3f)]
    [InlineData(2f, 0, 1f, 50, 1f)]
    [InlineData(1.3f, 5, 1f, 37)]
    [InlineData(1f, 0, 0.6f, 37)]
    [InlineData(0.9f, 20, 0.8f, 400)]
    [InlineData(1f, 0, 0.97f, 1000)]
    [InlineData(1f, 1, 1f, 16)]
    public void Drawing_at_every_quantile_gives_each_token_its_share_and_records_its_log_probability(float temperature, int topK, float topP, int vocabulary, float minP = 0f)
    {
        var sampling = new SamplingOptions(temperature, topK, topP, minP);
        var logits = Logits(vocabulary + topK, vocabulary);
        var expected = Distribution(logits, sampling);
        var model = Distribution(logits, new SamplingOptions());
        using var sampler = new TokenSampler(vocabulary);
        const int draws = 20_000;
        var counts = new int[vocabulary];
        for (var i = 0; i < draws; i++)
        {
            var draw = sampler.Sample(logits, sampling, (i + 0.5) / draws);
            counts[draw.Token]++;
            draw.LogProb.ShouldBe((float)Math.Log(expected[draw.Token]), 2e-6f);
            draw.ModelLogProb.ShouldBe((float)Math.Log(model[draw.Token]), 3e-6f);
            if (sampling == new SamplingOptions())
                draw.LogProb.ShouldBe(draw.ModelLogProb);
        }

        for (var token = 0; token < vocabulary; token++)
            counts[token].ShouldBeInRange((int)(expected[token] * draws) - 2, (int)(expected[token] * draws) + 3, $"token {token}");
    }

    [Fact]
    public void Greedy_takes_the_likeliest_and_records_the_full_softmax_at_temperature_one()
    {
        var logits = Logits(3, 100);
        using var sampler = new TokenSampler(100);
        var draw = sampler.Sample(logits, SamplingOptions.Greedy, 0.99);
        draw.Token.ShouldBe(Array.IndexOf(logits, logits.Max()));
        draw.LogProb.ShouldBe((float)Math.Log(Distribution(logits, new SamplingOptions())[draw.Token]), 2e-6f);
    }

    [Fact]
    public void Of_equal_logits_greedy_and_top_one_take_the_lowest_id()
    {
        float[] logits = [0, 2, 2, 1, 2];
        using var sampler = new TokenSampler(5);
        sampler.Sample(logits, SamplingOptions.Greedy, 0.9).Token.ShouldBe(1);
        sampler.Sample(logits, new SamplingOptions(TopK: 1), 0.9).ShouldSatisfyAllConditions(draw => draw.Token.ShouldBe(1), draw => draw.LogProb.ShouldBe(0f));
        sampler.Sample(logits, new SamplingOptions(TopK: 2), 0.9).Token.ShouldBe(2);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_logit_that_is_not_finite_is_never_drawn_from(float broken)
    {
        var logits = Logits(1, 50);
        logits[33] = broken;
        using var sampler = new TokenSampler(50);
        foreach (var sampling in new[] { SamplingOptions.Greedy, new SamplingOptions(), new SamplingOptions(TopK: 3) })
            sampler.Sample(logits, sampling, 0.5).ShouldBe(Draw.Impossible);
    }

    [Fact]
    public void The_last_quantile_and_an_extreme_temperature_still_draw_a_token()
    {
        var logits = Logits(9, 41);
        var highest = Array.IndexOf(logits, logits.Max());
        var last = Math.BitDecrement(1.0);
        using var sampler = new TokenSampler(41);
        sampler.Sample(logits, new SamplingOptions(), last).Token.ShouldBeInRange(0, 40);
        sampler.Sample(logits, new SamplingOptions(TopP: 1e-9f), last).Token.ShouldBe(highest);
        sampler.Sample(logits, new SamplingOptions(Temperature: 1e-5f), 0.999).ShouldSatisfyAllConditions(draw => draw.Token.ShouldBe(highest), draw => draw.LogProb.ShouldBe(0f));
    }

    [Fact]
    public void The_same_row_gives_the_same_draw_whatever_was_drawn_before()
    {
        using var sampler = new TokenSampler(100);
        var sampling = new SamplingOptions(0.8f, 30, 0.9f);
        var first = sampler.Sample(Logits(1, 100), sampling, 0.77);
        sampler.Sample(Logits(2, 100), new SamplingOptions(), 0.1);
        sampler.Sample(Logits(1, 100), sampling, 0.77).ShouldBe(first);
    }
}
