using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>Softmax(q k^T / sqrt(size)) v for query heads that share key/value heads. The one place that knows how it is computed.</summary>
internal static class AttentionMath
{
    private static readonly Lazy<bool> s_hasFused = new(ProbeFused);

    /// <summary>Whether this libtorch has the fused kernel, which keeps nothing that grows with the square of the length. Older ones have not.</summary>
    public static bool HasFused => s_hasFused.Value;

    /// <summary>Attention under a mask.</summary>
    /// <param name="q">[S, Tq, heads, size].</param>
    /// <param name="k">[S, Tk, key/value heads, size].</param>
    /// <param name="v">As <paramref name="k"/>.</param>
    /// <param name="hidden">True where a query must not see a key: [S or 1, 1, 1, Tq, Tk]. Every query sees at least one.</param>
    /// <returns>[S * Tq, heads * size].</returns>
    public static Tensor Masked(Tensor q, Tensor k, Tensor v, Tensor hidden)
    {
        long sequences = q.shape[0], queries = q.shape[1], heads = q.shape[2], size = q.shape[3], keys = k.shape[1], shared = k.shape[2], group = heads / shared;
        // The heads of a group are further queries of their key head, so keys are not repeated.
        var queriesSHGD = q.view(sequences, queries, shared, group, size).permute(0, 2, 3, 1, 4).reshape(sequences, shared, group * queries, size);
        var keysSHDT = k.permute(0, 2, 3, 1);
        var scores = queriesSHGD.matmul(keysSHDT).to(ScalarType.Float32) * (1 / Math.Sqrt(size));
        var visible = scores.view(sequences, shared, group, queries, keys).masked_fill(hidden, float.NegativeInfinity);
        var weights = visible.softmax(-1).to(v.dtype).view(sequences, shared, group * queries, keys);
        var mixed = weights.matmul(v.permute(0, 2, 1, 3));
        return mixed.view(sequences, shared, group, queries, size).permute(0, 3, 1, 2, 4).reshape(sequences * queries, heads * size);
    }

    /// <summary>Attention where each query sees itself and those before it, by the fused kernel.</summary>
    /// <returns>[S * T, heads * size].</returns>
    public static Tensor FusedCausal(Tensor q, Tensor k, Tensor v)
    {
        long sequences = q.shape[0], length = q.shape[1], heads = q.shape[2], size = q.shape[3];
        var mixed = nn.functional.scaled_dot_product_attention(
            q.permute(0, 2, 1, 3), Repeat(k, heads).permute(0, 2, 1, 3), Repeat(v, heads).permute(0, 2, 1, 3), is_casual: true);
        return mixed.permute(0, 2, 1, 3).reshape(sequences * length, heads * size);
    }

    private static Tensor Repeat(Tensor x, long heads)
    {
        long sequences = x.shape[0], length = x.shape[1], shared = x.shape[2], size = x.shape[3];
        return heads == shared ? x : x.unsqueeze(3).expand(sequences, length, shared, heads / shared, size).reshape(sequences, length, heads, size);
    }

    private static bool ProbeFused()
    {
        try
        {
            using var scope = NewDisposeScope();
            using var quiet = no_grad();
            var x = ones(1, 2, 1, 4);
            return FusedCausal(x, x, x).numel() == 8;
        }
        catch (Exception error) when (error is System.Runtime.InteropServices.ExternalException or EntryPointNotFoundException)
        {
            return false;
        }
    }
}
