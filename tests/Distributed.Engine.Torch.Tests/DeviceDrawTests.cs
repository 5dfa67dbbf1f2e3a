using Distributed.Engine.Generation;
using Distributed.Engine.Torch.Generation;
using Distributed.Ports;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Tests;

/// <summary>Draws where the logits are, beside the sampler on the host.</summary>
public sealed class DeviceDrawTests
{
    private const int Vocabulary = 1000;

    [TorchFact]
    public void For_equal_logits_and_random_numbers_it_is_the_hosts_token_and_log_probabilities()
    {
        var random = new Random(5);
        using var sampler = new TokenSampler(Vocabulary);
        for (var round = 0; round < 20; round++)
        {
            var rows = random.Next(1, 9);
            var values = Enumerable.Range(0, rows * Vocabulary).Select(_ => (float)(random.NextDouble() * 12)).ToArray();
            var wishes = Enumerable.Range(0, rows)
                .Select(row => (new SamplingOptions(((row + round) % 4) switch { 0 => 0f, 1 => 1f, 2 => 0.6f, _ => 1.7f }), random.NextDouble())).ToArray();
            var draws = Draw(values, wishes);
            for (var row = 0; row < rows; row++)
            {
                var wanted = sampler.Sample(values.AsSpan(row * Vocabulary, Vocabulary), wishes[row].Item1, wishes[row].Item2);
                draws[row].Token.ShouldBe(wanted.Token);
                draws[row].LogProb.ShouldBe(wanted.LogProb, 1e-4f);
                draws[row].ModelLogProb.ShouldBe(wanted.ModelLogProb, 1e-4f);
            }
        }
    }

    [TorchFact]
    public void The_ends_of_the_distribution_can_be_drawn_and_what_is_impossible_cannot()
    {
        var values = Enumerable.Repeat(float.NegativeInfinity, 3 * Vocabulary).ToArray();
        values[7] = 1;
        values[Vocabulary + Vocabulary - 1] = values[Vocabulary] = 2;
        values[(2 * Vocabulary) + 3] = float.NaN;
        (SamplingOptions, double)[] low = [.. Enumerable.Repeat((new SamplingOptions(), 0.0), 3)];
        Draw(values, low).Select(draw => draw.Token).ShouldBe([7, 0, -1]);
        (SamplingOptions, double)[] high = [.. Enumerable.Repeat((new SamplingOptions(), Math.BitDecrement(1.0)), 3)];
        Draw(values, high).Select(draw => draw.Token).ShouldBe([7, Vocabulary - 1, -1]);
    }

    [Fact]
    public void Filtered_draws_are_left_to_the_host()
    {
        DeviceDraw.Can(new SamplingOptions(), Vocabulary).ShouldBeTrue();
        DeviceDraw.Can(SamplingOptions.Greedy, Vocabulary).ShouldBeTrue();
        DeviceDraw.Can(new SamplingOptions(1f, TopK: 5), Vocabulary).ShouldBeFalse();
        DeviceDraw.Can(new SamplingOptions(1f, 0, 0.9f), Vocabulary).ShouldBeFalse();
        DeviceDraw.Can(new SamplingOptions(1f, 0, 1f, 0.1f), Vocabulary).ShouldBeFalse();
    }

    private static Draw[] Draw(float[] values, IReadOnlyList<(SamplingOptions, double)> wishes)
    {
        using var quiet = no_grad();
        using var logits = tensor(values, [wishes.Count, Vocabulary], device: TorchFixture.Device);
        return DeviceDraw.From(logits, wishes);
    }
}
