using Distributed.Engine.Generation;

namespace Distributed.Engine.Tests.Generation;

public sealed class RandomStreamTests
{
    [Fact]
    public void Numbers_are_uniform_and_neighbouring_seeds_are_unrelated()
    {
        double sum = 0, squares = 0, products = 0;
        const int count = 40_000;
        for (var seed = 0; seed < count / 10; seed++)
        {
            for (var i = 0; i < 10; i++)
            {
                var u = new RandomStream((ulong)seed).Uniform(i) - 0.5;
                sum += u;
                squares += u * u;
                products += u * (new RandomStream((ulong)seed + 1).Uniform(i) - 0.5);
            }
        }

        // Four standard errors of each.
        (sum / count).ShouldBe(0, 4 * Math.Sqrt(1.0 / 12 / count));
        (squares / count).ShouldBe(1.0 / 12, 4 * Math.Sqrt(1.0 / 180 / count));
        (products / count).ShouldBe(0, 4 / 12.0 / Math.Sqrt(count));
    }

    [Fact]
    public void A_number_depends_on_seed_and_index_alone()
    {
        var first = new RandomStream(7).Uniform(3);
        _ = new RandomStream(7).Uniform(1);
        new RandomStream(7).Uniform(3).ShouldBe(first);
        new RandomStream(7).Uniform(4).ShouldNotBe(first);
        new RandomStream(8).Uniform(3).ShouldNotBe(first);
    }
}
