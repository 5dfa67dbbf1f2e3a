using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>Softmax(q k^T / sqrt(size)) v for query heads that share key/value heads, by the fused kernel, which keeps nothing that grows with the square of the length.</summary>
internal static class AttentionMath
{
    /// <summary>Attention in one layer.</summary>
    /// <param name="q">[S, Tq, heads, size].</param>
    /// <param name="k">[S, Tk, key/value heads, size].</param>
    /// <param name="v">As <paramref name="k"/>.</param>
    /// <param name="visible">True where a query sees a key: [S or 1, 1, Tq, Tk], every query sees at least one. Null: each query sees itself and those before it.</param>
    /// <returns>[S * Tq, heads * size].</returns>
    public static Tensor Attend(Tensor q, Tensor k, Tensor v, Tensor? visible)
    {
        long sequences = q.shape[0], queries = q.shape[1], heads = q.shape[2], size = q.shape[3], shared = k.shape[2];
        if (queries == 1 && visible is not null)
        {
            // The heads of a group are queries of their key head: no key is repeated.
            return nn.functional.scaled_dot_product_attention(q.reshape(sequences, shared, heads / shared, size), k.permute(0, 2, 1, 3), v.permute(0, 2, 1, 3), visible)
                .reshape(sequences, heads * size);
        }

        var mixed = nn.functional.scaled_dot_product_attention(
            q.permute(0, 2, 1, 3), Repeat(k, heads).permute(0, 2, 1, 3), Repeat(v, heads).permute(0, 2, 1, 3), visible, is_casual: visible is null);
        return mixed.permute(0, 2, 1, 3).reshape(sequences * queries, heads * size);
    }

    private static Tensor Repeat(Tensor x, long heads)
    {
        long sequences = x.shape[0], length = x.shape[1], shared = x.shape[2], size = x.shape[3];
        return heads == shared ? x : x.unsqueeze(3).expand(sequences, length, shared, heads / shared, size).reshape(sequences, length, heads, size);
    }
}
