namespace Distributed.Engine.Generation;

/// <summary>Selects the highest of a row of logits, highest first; of equal ones the lower id first.</summary>
internal static class LikeliestTokens
{
    /// <summary>Fills <paramref name="order"/> with the ids of its length's many highest logits.</summary>
    public static void Select(ReadOnlySpan<float> logits, Span<int> order)
    {
        // A heap whose root is the least likely of the kept; then taken apart from the root, which sorts it.
        var count = order.Length;
        for (var i = 0; i < count; i++)
            order[i] = i;
        for (var i = count / 2 - 1; i >= 0; i--)
            SiftDown(logits, order, i);
        for (var token = count; token < logits.Length; token++)
        {
            if (IsLikelier(logits, token, order[0]))
            {
                order[0] = token;
                SiftDown(logits, order, 0);
            }
        }

        for (var last = count - 1; last > 0; last--)
        {
            (order[0], order[last]) = (order[last], order[0]);
            SiftDown(logits, order[..last], 0);
        }
    }

    private static void SiftDown(ReadOnlySpan<float> logits, Span<int> heap, int parent)
    {
        var moving = heap[parent];
        while (2 * parent + 1 < heap.Length)
        {
            var child = 2 * parent + 1;
            if (child + 1 < heap.Length && IsLikelier(logits, heap[child], heap[child + 1]))
                child++;
            if (!IsLikelier(logits, moving, heap[child]))
                break;
            heap[parent] = heap[child];
            parent = child;
        }

        heap[parent] = moving;
    }

    private static bool IsLikelier(ReadOnlySpan<float> logits, int left, int right) =>
        logits[left] > logits[right] || logits[left] == logits[right] && left < right;
}
