namespace Distributed.Credit;

/// <summary>Pairs rows with columns, each at most once, so that the sum of scores is largest (Hungarian method, O(n^3)).</summary>
internal static class BestAssignment
{
    /// <summary>That largest sum; scores are not negative, and 0 for an empty table.</summary>
    public static double Score(double[,] scores)
    {
        var size = Math.Max(scores.GetLength(0), scores.GetLength(1));
        if (size == 0) return 0;

        // Shortest augmenting paths over a square table of costs, rows and columns counted from 1; 0 stands for "none".
        double[] rowPrice = new double[size + 1], columnPrice = new double[size + 1];
        int[] rowOf = new int[size + 1], cameFrom = new int[size + 1];
        for (var row = 1; row <= size; row++)
        {
            rowOf[0] = row;
            var column = 0;
            var reach = new double[size + 1];
            var visited = new bool[size + 1];
            Array.Fill(reach, double.PositiveInfinity);
            do
            {
                visited[column] = true;
                var (current, next, step) = (rowOf[column], 0, double.PositiveInfinity);
                for (var c = 1; c <= size; c++)
                {
                    if (visited[c]) continue;
                    var cost = -At(current, c) - rowPrice[current] - columnPrice[c];
                    if (cost < reach[c]) (reach[c], cameFrom[c]) = (cost, column);
                    if (reach[c] < step) (step, next) = (reach[c], c);
                }

                for (var c = 0; c <= size; c++)
                {
                    if (visited[c]) (rowPrice[rowOf[c]], columnPrice[c]) = (rowPrice[rowOf[c]] + step, columnPrice[c] - step);
                    else reach[c] -= step;
                }

                column = next;
            }
            while (rowOf[column] != 0);

            for (; column != 0; column = cameFrom[column]) rowOf[column] = rowOf[cameFrom[column]];
        }

        double sum = 0;
        for (var c = 1; c <= size; c++) sum += At(rowOf[c], c);
        return sum;

        double At(int row, int c) => row <= scores.GetLength(0) && c <= scores.GetLength(1) ? scores[row - 1, c - 1] : 0;
    }
}
