using Distributed.Actors.Weights;

namespace Distributed.Actors.Tests.Weights;

public sealed class WeightDeltaTests
{
    private static byte[] Weights(int count, int seed)
    {
        var random = new Random(seed);
        return System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) / 10).ToArray()).ToArray();
    }

    private static byte[] Stepped(byte[] weights, float step, Func<int, bool>? which = null)
    {
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(weights).ToArray();
        for (var i = 0; i < values.Length; i++)
            if (which?.Invoke(i) ?? true) values[i] += step;
        return System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values).ToArray();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(200_001)]
    public void A_delta_leads_to_the_same_bytes_whatever_the_length(int count)
    {
        var before = Weights(count, 1);
        var after = Stepped(before, 1e-4f);
        WeightDelta.Apply(before, WeightDelta.Encode(before, after)).ShouldBe(after);
    }

    [Fact]
    public void Bytes_beyond_the_last_whole_word_are_kept_too()
    {
        byte[] before = [1, 2, 3, 4, 5, 6, 7], after = [1, 2, 3, 9, 5, 6, 8];
        WeightDelta.Apply(before, WeightDelta.Encode(before, after)).ShouldBe(after);
    }

    [Fact]
    public void What_did_not_change_takes_next_to_nothing()
    {
        var before = Weights(300_000, 2);
        WeightDelta.Encode(before, before).Length.ShouldBeLessThan(8);
        WeightDelta.Encode(before, Stepped(before, 1e-4f, i => i < 1000)).Length.ShouldBeLessThan(before.Length / 50);
    }

    [Fact]
    public void A_small_step_of_every_weight_is_shorter_than_the_weights_and_a_whole_new_model_hardly_longer()
    {
        var before = Weights(300_000, 3);
        WeightDelta.Encode(before, Stepped(before, 1e-6f)).Length.ShouldBeLessThan(before.Length * 2 / 3);
        var other = new byte[before.Length];
        new Random(4).NextBytes(other);
        WeightDelta.Encode(before, other).Length.ShouldBeLessThan(before.Length + 16);
    }

    [Fact]
    public void Words_that_change_sign_become_infinite_or_are_none_come_out_as_they_went_in()
    {
        var values = new[] { 0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.MaxValue, 1f };
        var (before, after) = (new List<float>(), new List<float>());
        foreach (var from in values)
            foreach (var to in values) (before, after) = ([.. before, from], [.. after, to]);
        var (old, fresh) = (Bytes(before), Bytes(after));
        WeightDelta.Apply(old, WeightDelta.Encode(old, fresh)).ShouldBe(fresh);

        static byte[] Bytes(List<float> floats) => System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(floats.ToArray()).ToArray();
    }

    [Fact]
    public void Versions_of_different_length_have_no_delta() =>
        Should.Throw<ArgumentException>(() => WeightDelta.Encode(new byte[8], new byte[12])).Message.ShouldContain("8 and 12 bytes");

    [Fact]
    public void Bytes_that_are_no_delta_are_refused_or_lead_elsewhere_but_never_out_of_bounds()
    {
        var before = Weights(70_000, 5);
        var after = Stepped(before, 1e-4f);
        var delta = WeightDelta.Encode(before, after);
        WeightDelta.Apply(before, delta.AsSpan(0, delta.Length - 1)).ShouldBeNull();
        WeightDelta.Apply(before, (byte[])[.. delta, 0]).ShouldBeNull();
        WeightDelta.Apply(before, default).ShouldBeNull();
        var random = new Random(6);
        for (var round = 0; round < 300; round++)
        {
            var broken = (byte[])delta.Clone();
            for (var changes = 0; changes < 3; changes++) broken[round % 2 == 0 ? random.Next(8) : random.Next(broken.Length)] = (byte)random.Next(256);
            var result = WeightDelta.Apply(before, broken);
            if (result != null) result.Length.ShouldBe(before.Length);
        }
    }
}
