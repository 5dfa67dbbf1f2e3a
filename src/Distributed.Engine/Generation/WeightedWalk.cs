namespace Distributed.Engine.Generation;

/// <summary>Finds where the running sum of a row of weights passes a target, a block at a time, in float64.</summary>
internal static class WeightedWalk
{
    private const int Block = 64;

    /// <summary>The first index whose running sum is above the target. Rounding may carry the target past the last one, then the last index is taken.</summary>
    public static int Find(ReadOnlySpan<float> weights, double target)
    {
        var start = 0;
        for (; start + Block < weights.Length; start += Block)
        {
            var sum = Sum(weights.Slice(start, Block));
            if (target < sum)
                break;
            target -= sum;
        }

        for (var index = start; index < weights.Length; index++)
        {
            if (target < weights[index])
                return index;
            target -= weights[index];
        }

        return weights.Length - 1;
    }

    // Four running sums, always of the same elements, whatever the machine's vectors are.
    private static double Sum(ReadOnlySpan<float> block)
    {
        double a = 0, b = 0, c = 0, d = 0;
        for (var i = 0; i + 4 <= block.Length; i += 4)
        {
            a += block[i];
            b += block[i + 1];
            c += block[i + 2];
            d += block[i + 3];
        }

        return a + b + (c + d);
    }
}
